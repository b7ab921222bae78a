// A page that was opened as a file cannot start its modules, and so could not say why nothing happens. This script can: it is
// no module.

if (location.protocol === "file:") document.getElementById("as-file").hidden = false;

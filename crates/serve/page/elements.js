// Elements of HTML and SVG, in one call each.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value === false || value === undefined) continue;
        element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
}

/** An element of HTML with attributes, and children or text. */
export const html = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);

/** The same of SVG. */
export const svg = (name, attributes = {}, ...children) => filled(document.createElementNS(SVG, name), attributes, children);

/** The choices of a <select>; what was chosen stays so where it can. */
export function setOptions(select, options) {
    const before = select.value;
    select.replaceChildren(...options.map(([value, text]) => html("option", { value }, text)));
    if (options.some(([value]) => value === before)) select.value = before;
}

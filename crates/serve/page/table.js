// Tables as CSV: enough of it to draw a history. What a model makes of a table, its engine says.

/**
 * @param {string} text
 * @returns {{names: string[], rows: string[][]}}
 */
export function parseTable(text) {
    const rows = [];
    let [row, cell, quoted] = [[], "", false];
    const endRow = () => {
        row.push(cell);
        if (row.length > 1 || cell.trim() !== "") rows.push(row);
        [row, cell] = [[], ""];
    };
    const separator = separatorOf(text);
    const characters = text.replace(/^\uFEFF/, "");
    for (let at = 0; at < characters.length; at += 1) {
        const c = characters[at];
        if (quoted) {
            if (c !== '"') cell += c;
            else if (characters[at + 1] === '"') cell += characters[(at += 1)];
            else quoted = false;
        } else if (c === '"' && cell === "") quoted = true;
        else if (c === separator) [row, cell] = [[...row, cell], ""];
        else if (c === "\n") endRow();
        else if (c !== "\r") cell += c;
    }
    endRow();
    const [names = [], ...rest] = rows;
    return { names: names.map((name) => name.trim()), rows: rest };
}

/** What the first line has most of. */
function separatorOf(text) {
    const line = text.split("\n", 1)[0];
    const count = (separator) => line.split(separator).length;
    return [",", ";", "\t"].reduce((best, other) => (count(other) > count(best) ? other : best));
}

/** The table as CSV with commas. @param {{names: string[], rows: string[][]}} table */
export function writeTable({ names, rows }) {
    const cell = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    return [names, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

/** A number, with a point or a comma in it; NaN where there is none. */
const number = (text) => (text === undefined || text.trim() === "" ? NaN : Number(text.trim().replace(/^(-?\d+),(\d+)$/, "$1.$2")));

/** The names that stand in one text, as "region,shop" does. */
const split = (text) => (text ?? "").split(",").filter((name) => name !== "");

/** The columns of targets: one, or one for each series of a wide table. */
const targetsOf = (names, target) => (names.includes(target) ? [target] : split(target).filter((name) => names.includes(name)));

/**
 * The series of a table, by the names that a forecast has for them.
 * @param {{names: string[], rows: string[][]}} table
 * @param {{target: string, time: string[], id: string|null}} of
 * @returns {Map<string, {target: string, times: string[], values: number[], rows: string[][]}>}
 */
export function seriesOf({ names, rows }, { target, time, id }) {
    const columns = (wanted) => wanted.map((name) => names.indexOf(name)).filter((at) => at >= 0);
    const [times, ids] = [columns(time), columns(split(id))];
    const targets = targetsOf(names, target);
    const all = new Map();
    for (const of of targets) {
        const at = names.indexOf(of);
        rows.forEach((row, index) => {
            const name = [...ids.map((column) => row[column] ?? ""), ...(targets.length > 1 ? [of] : [])].join("/");
            if (!all.has(name)) all.set(name, { target: of, times: [], values: [], rows: [] });
            const series = all.get(name);
            series.times.push(times.map((column) => row[column] ?? "").join(" ") || String(index));
            series.values.push(number(row[at]));
            series.rows.push(row);
        });
    }
    return all;
}

/**
 * The table of one series as it was known some steps before its end: what came later is blank where it is the target, and
 * left out where nothing of it is known ahead.
 * @param {string[]} names
 * @param {{target: string, values: number[], rows: string[][]}} series
 * @param {string[]} known  The columns that are known ahead.
 * @param {number} back  Steps from the last known value.
 * @param {number} horizon  Steps that are forecast.
 */
export function cut(names, series, known, back, horizon) {
    const end = series.values.findLastIndex((value) => !Number.isNaN(value)) + 1 - back;
    const at = names.indexOf(series.target);
    const later = known.length > 0 ? series.rows.slice(end, end + horizon) : [];
    const blank = later.map((row) => row.map((cell, column) => (column === at ? "" : cell)));
    return writeTable({ names, rows: [...series.rows.slice(0, end), ...blank] });
}

// A table to try a model of series with: the sunspots for a model of them, and else a made-up one with the columns that the
// model reads.

import { randoms } from "./sampling.js";
import { writeTable } from "./table.js";
import { SUNSPOTS } from "./sunspots.js";

/** @param {import("./engine.js").Described["series"]} of */
export function exampleTable(of) {
    if (of.target === "sunspots" && of.time.join() === "date" && of.frequency === "monthly") return sunspots();
    const targets = of.target.split(",");
    const ids = of.id ? of.id.split(",") : [];
    const names = [...of.time, ...ids, ...targets, ...of.covariates];
    const past = Math.max(of.context + 8 * of.horizon, 3 * (of.season || 1));
    const random = randoms(7);
    const rows = Array.from({ length: past + of.horizon }, (_, step) => {
        const season = Math.sin((2 * Math.PI * step) / Math.max(2, of.season || 12));
        const value = () => (100 + 0.1 * step + 25 * season + 12 * (random() - 0.5)).toFixed(1);
        const target = targets.map(() => (step < past ? value() : ""));
        const others = of.covariates.map((name) => (step < past || of.known.includes(name) ? String(random() < 0.3 ? 1 : 0) : ""));
        return [...of.time.map(() => timeOf(step, of.frequency)), ...ids.map(() => "a"), ...target, ...others];
    });
    // Rows of the future say only what is known ahead.
    return writeTable({ names, rows: of.known.length > 0 ? rows : rows.slice(0, past) });
}

const DAY = 86400;
const SECONDS = { second: 1, minute: 60, hour: 3600, day: DAY, week: 7 * DAY };
const ONCE = { hourly: "hour", daily: "day", weekly: "week", monthly: "month", quarterly: "quarter", yearly: "year" };

/** The time of a step of a series whose frequency is called "monthly", "every 2 weeks", "every business day", "a step". */
export function timeOf(step, frequency) {
    const [, count = "1", named] = /^every (?:([\d.]+) )?(business day|\w+?)s?$/.exec(frequency) ?? [];
    const unit = named ?? ONCE[frequency] ?? "step";
    const steps = step * Number(count);
    // A Monday.
    const date = new Date(Date.UTC(2001, 0, 1));
    if (unit === "step") return String(steps);
    if (unit === "year") date.setUTCFullYear(1900 + steps);
    else if (unit === "quarter") date.setUTCMonth(3 * steps);
    else if (unit === "month") date.setUTCMonth(steps);
    else if (unit === "business day") date.setUTCDate(1 + 7 * Math.floor(steps / 5) + (steps % 5));
    else date.setTime(date.getTime() + 1000 * steps * SECONDS[unit]);
    const text = date.toISOString();
    return SECONDS[unit] < DAY ? text.slice(0, 19).replace("T", " ") : text.slice(0, 10);
}

/** Months from the first on, as a table. */
function sunspots() {
    const { year, values } = SUNSPOTS;
    const rows = values.map((value, step) => [new Date(Date.UTC(year, step, 1)).toISOString().slice(0, 10), String(value)]);
    return writeTable({ names: ["date", "sunspots"], rows });
}

// Series: the history, the fan of quantiles, and forecasts from the past beside what came.

import { drawFan, drawKey } from "./fan.js";
import { EngineError } from "./engine.js";
import { html, setOptions } from "./elements.js";
import { Panel } from "./panel.js";
import { exampleTable } from "./example.js";
import { cut, parseTable, seriesOf } from "./table.js";
import { frequencyName, levelName, onLanguage, t } from "./words.js";

export class Series extends Panel {
    constructor(page) {
        super("series", page);
        this.result = null;
        this.runs = 0;
        this.needsSessions = false;
        const { model, table, file, example, cuts } = this.form.elements;
        this.table = table;
        model.addEventListener("change", () => this.words());
        table.addEventListener("change", () => this.listSeries());
        cuts.addEventListener("input", () => this.words());
        file.addEventListener("change", async () => {
            if (file.files.length > 0) this.setTable(await file.files[0].text());
            // The same file may be opened again, once it has changed.
            file.value = "";
        });
        example.addEventListener("click", async () => {
            this.setTable(exampleTable(this.model(model.value).series));
            this.forecast();
        });
        this.form.addEventListener("submit", (event) => {
            event.preventDefault();
            this.forecast();
        });
        this.history = this.find("#history");
        this.history.addEventListener("input", () => this.draw());
        onLanguage(() => this.words());
        addEventListener("resize", () => this.draw());
    }

    words() {
        const { model, cuts, example } = this.form.elements;
        this.find("#many").textContent = cuts.value;
        const of = this.model(model.value)?.series;
        if (!of) return;
        const columns = [...of.time, ...(of.id ? [of.id] : []), of.target, ...of.covariates].join(", ");
        // Times in several columns are written in more ways than an example could know.
        example.hidden = of.time.length > 1;
        this.find("#columns").textContent = t("columns", { ...of, columns, frequency: frequencyName(of.frequency) });
        this.draw();
        this.list();
    }

    set(all) {
        this.setModels(all, (model) => model.series?.context, this.form.elements.model);
        this.words();
    }

    setTable(text) {
        this.table.value = text;
        this.listSeries();
    }

    listSeries() {
        const of = this.model(this.form.elements.model.value)?.series;
        const all = of ? seriesOf(parseTable(this.table.value), of) : new Map();
        setOptions(this.form.elements.which, [...all.keys()].map((name) => [name, name || of.target]));
    }

    async forecast() {
        const run = (this.runs += 1);
        const model = this.model(this.form.elements.model.value);
        const of = model.series;
        const table = parseTable(this.table.value);
        this.listSeries();
        const series = seriesOf(table, of).get(this.form.elements.which.value);
        this.say("");
        if (!series) return this.complain(t("no-column", { column: of.target }));
        this.say(t("forecasting"));
        const known = series.values.findLastIndex((value) => !Number.isNaN(value)) + 1;
        const wanted = Array.from({ length: Number(this.form.elements.cuts.value) }, (_, index) => (index + 1) * of.horizon);
        const result = await this.attempt(async () => {
            const fans = [];
            let answer = null;
            // One after the other: many at once would wait for each other in the server.
            for (const back of [0, ...wanted.filter((back) => back < known)]) {
                const said = await this.forecastOf(model.name, cut(table.names, series, of.known, back, of.horizon), back > 0);
                if (run !== this.runs) return null;
                // Further back there is less to read still.
                if (!said) break;
                fans.push({ at: known - back, quantiles: said.found.quantiles, isOld: back > 0 });
                if (back === 0) answer = { levels: said.levels, times: said.found.times };
            }
            return { ...answer, fans };
        });
        if (run !== this.runs) return;
        this.say("");
        this.result = result ? { ...result, of, series, known } : null;
        if (result) {
            const most = known + of.horizon;
            const least = Math.min(most, 2 * of.horizon);
            Object.assign(this.history, { disabled: false, min: least, max: most });
            this.history.value = Math.min(most, Math.max(of.context, (result.fans.length + 2) * of.horizon) + of.horizon);
            this.tell(wanted.length + 1 - result.fans.length);
        }
        this.draw();
        this.list();
    }

    /** The forecast of the series that is chosen; nothing where one from the past has too little to read. */
    async forecastOf(model, table, isOld) {
        try {
            const { levels, forecasts } = await this.engine.forecast(model, table);
            const found = forecasts.find(({ id }) => id === this.form.elements.which.value) ?? forecasts[0];
            if (!found) throw new EngineError(t("too-short"));
            return { levels, found };
        } catch (error) {
            if (isOld && error instanceof EngineError && error.status !== 401) return null;
            throw error;
        }
    }

    /** How many, and how often what came lay in the widest band. */
    tell(left) {
        const { fans, levels, series, of } = this.result;
        const came = fans.flatMap(({ at, quantiles }) => quantiles.map((step, index) => [series.values[at + index], step]));
        const judged = came.filter(([value]) => Number.isFinite(value));
        const inside = judged.filter(([value, step]) => value >= step[0] && value <= step.at(-1)).length;
        const values = { count: fans.length, steps: of.horizon, known: judged.length, inside };
        const band = { low: levelName(levels[0]), high: levelName(levels.at(-1)) };
        const said = t(judged.length > 0 ? "forecast-covered" : "forecast-done", { ...values, ...band });
        this.say(left > 0 ? `${said} ${t("cut-short", { count: left })}` : said);
    }

    draw() {
        const parent = this.find("#fan");
        if (!this.result) return parent.replaceChildren();
        const { fans, levels, times: ahead, series, known } = this.result;
        const times = [...series.times.slice(0, known), ...ahead];
        const shown = Number(this.history.value);
        this.find("#history-out").textContent = shown;
        const from = Math.max(0, times.length - shown);
        const label = t("chart-label", { from: times[from], to: times.at(-1) });
        drawFan(parent, { times, values: series.values.slice(0, known), fans, levels, from, label });
        const band = t("key-band", { low: levelName(levels[0]), high: levelName(levels.at(-1)) });
        const key = [["", "past", t("key-past")], ["", "fan-median", t("key-median")], ["fan", "", band]];
        if (fans.length > 1) key.push(["old", "old-median", t("key-old")]);
        return drawKey(parent, key);
    }

    /** The same in numbers. */
    list() {
        const table = this.find("#numbers");
        if (!this.result) return table.replaceChildren();
        const { fans, levels, times, of } = this.result;
        const cells = (name, texts) => texts.map((text) => html(name, name === "th" ? { scope: "col" } : {}, text));
        // As many places for all as leave four digits of the largest.
        const largest = Math.max(...fans[0].quantiles.flat().map(Math.abs));
        const places = Math.max(0, Math.min(8, 3 - Math.floor(Math.log10(largest || 1))));
        const round = (value) => value.toFixed(places);
        const rows = fans[0].quantiles.map((step, index) =>
            html("tr", {}, html("th", { scope: "row" }, times[index] ?? ""), ...cells("td", step.map(round))),
        );
        return table.replaceChildren(
            html("caption", {}, t("numbers-caption", { target: of.target })),
            html("thead", {}, html("tr", {}, ...cells("th", [t("time"), ...levels.map(levelName)]))),
            html("tbody", {}, ...rows),
        );
    }
}

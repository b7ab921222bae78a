// The engine that is in the page: WebAssembly in a worker. ENGINE.md says what it offers beside `Engine`.

import { Engine, EngineError, Session } from "./shared/engine.js";

const encoder = new TextEncoder();
const json = (value) => encoder.encode(JSON.stringify(value));

export class WasmEngine extends Engine {
    /** Requests that are not answered yet, by their number. */
    waiting = new Map();

    /** Trainings by name. */
    trainings = new Map();

    number = 0;

    /** Use `WasmEngine.start`. */
    constructor(worker) {
        super();
        this.worker = worker;
        worker.onmessage = ({ data }) => this.take(data);
        worker.onerror = (event) => {
            event.preventDefault();
            this.fail(`the worker cannot run: ${event.message ?? "its file could not be loaded"}`);
        };
    }

    /**
     * @param {{base: string, onfetched?: (url: string) => void}} of  `base`: where elman.wasm and data/ lie, relative to the page;
     *     `onfetched` is told of each file that came.
     * @returns {Promise<WasmEngine>}
     */
    static async start({ base, onfetched }) {
        if (location.protocol === "file:") {
            throw new EngineError("a page that is opened as a file may start no worker; serve its folder, as with python3 -m http.server");
        }
        if (typeof WebAssembly === "undefined") throw new EngineError("this browser has no WebAssembly");
        const engine = new WasmEngine(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
        engine.onfetched = onfetched;
        engine.simd = (await engine.send("start", { base: new URL(`${base}/`, document.baseURI).href })).value;
        return engine;
    }

    /** Ends the worker, and whatever it was about to answer. */
    async close() {
        this.worker.terminate();
        this.fail("the engine was closed");
    }

    fail(why) {
        this.broken = why;
        const waiting = [...this.waiting.values()];
        this.waiting.clear();
        for (const { reject } of waiting) reject(new EngineError(why));
    }

    take({ id, value, bytes, error, status, training, reports, fetched }) {
        if (fetched !== undefined) return this.onfetched?.(fetched);
        if (training !== undefined) {
            const of = this.trainings.get(training);
            return reports.forEach((report) => of?.onstep?.(report));
        }
        const waits = this.waiting.get(id);
        this.waiting.delete(id);
        if (error === undefined) waits?.resolve({ value, bytes });
        else waits?.reject(new EngineError(error, { status }));
    }

    send(what, of) {
        if (this.broken) return Promise.reject(new EngineError(this.broken));
        this.number += 1;
        const id = this.number;
        return new Promise((resolve, reject) => {
            this.waiting.set(id, { resolve, reject });
            this.worker.postMessage({ id, what, ...of });
        });
    }

    /** A request of the module; its answer as JSON. */
    async ask(request, bytes) {
        return (await this.send("ask", { request, bytes })).value;
    }

    /** Nobody asks for one. */
    setToken() {}

    async models() {
        return (await this.ask({ op: "models" })).models;
    }

    describe(model) {
        return this.ask({ op: "describe", model });
    }

    predict(model, of) {
        return this.ask({ op: "predict", model }, json(of));
    }

    generate(model, of) {
        return this.ask({ op: "generate", model }, json(of));
    }

    forecast(model, table) {
        return this.ask({ op: "forecast", model }, encoder.encode(table));
    }

    async session(model) {
        return new WasmSession(this, await this.ask({ op: "session", model }));
    }

    /** A model of a file. @param {Uint8Array} bytes @param {string} name */
    open(bytes, name) {
        return this.ask({ op: "open", name }, bytes);
    }

    /** Takes a model off the list. */
    forget(name) {
        return this.ask({ op: "forget", name });
    }

    /** A model's file, as the command writes it. @returns {Promise<Uint8Array>} */
    async save(model) {
        return (await this.send("ask", { request: { op: "save", model } })).bytes;
    }

    /** How far back a model learns. */
    diagnose(model, { rows, steps } = {}) {
        return this.ask({ op: "diagnose", model, rows, steps });
    }

    /** Digits to show. */
    async digits({ part, from, to }) {
        const { value, bytes } = await this.send("ask", { request: { op: "digits", part, from, to } });
        const size = value.rows * value.cols;
        return { ...value, images: value.classes.map((_, index) => bytes.subarray(index * size, (index + 1) * size)) };
    }

    /** What a training of the echo task hears. */
    echo(name) {
        return this.ask({ op: "echo", name });
    }

    /** Sequences of the memory task to show. */
    memory({ rows = 5, ...settings } = {}) {
        return this.ask({ op: "memory", rows, settings });
    }

    /** @returns {Promise<Training>} */
    async train({ job, name, settings = {}, text }) {
        const info = await this.ask({ op: "train", job, name, settings }, text === undefined ? undefined : encoder.encode(text));
        const training = new Training(this, name, info);
        this.trainings.set(name, training);
        return training;
    }
}

class WasmSession extends Session {
    constructor(engine, number) {
        super();
        Object.assign(this, { engine, number, ended: false });
    }

    step(step) {
        return this.engine.ask({ op: "session_step", session: this.number }, json(step));
    }

    async stream({ answer, error, end }) {
        let isOpen = true;
        // One after the other, in the order in which they were sent.
        let last = Promise.resolve();
        const send = (step) => {
            if (!isOpen) return;
            last = last.then(() => this.step(step)).then((answered) => isOpen && answer(answered), (why) => isOpen && error(why));
        };
        const close = () => {
            if (!isOpen) return;
            isOpen = false;
            end("");
        };
        return { send, close };
    }

    async end() {
        if (this.ended) return;
        this.ended = true;
        await this.engine.ask({ op: "session_end", session: this.number });
    }
}

/** A network that learns in the page. */
class Training {
    /** Called with each step's report. @type {((report: object) => void)|null} */
    onstep = null;

    constructor(engine, model, info) {
        Object.assign(this, { engine, model, info });
    }

    /** So many steps, or until it is paused or its epochs are over. */
    async run(steps) {
        return (await this.engine.send("run", { name: this.model, steps })).value;
    }

    /** After the running step. */
    async pause() {
        await this.engine.send("pause", { name: this.model });
    }

    set(change) {
        return this.engine.ask({ op: "set", name: this.model, change });
    }

    evaluate({ part = null } = {}) {
        return this.engine.ask({ op: "evaluate", name: this.model, part });
    }

    export() {
        return this.engine.save(this.model);
    }

    async end() {
        await this.pause();
        if (this.engine.trainings.get(this.model) === this) this.engine.trainings.delete(this.model);
        await this.engine.forget(this.model);
    }
}

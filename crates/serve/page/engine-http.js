// The engine that is a server: the only module that fetches anything or opens a socket.

import { Engine, EngineError, Session } from "./engine.js";

// A page that lies behind a proxy, under a path of its own, finds the server there.
const base = new URL("v1/", document.baseURI);

const modelPath = (model) => `models/${encodeURIComponent(model)}`;

export class HttpEngine extends Engine {
    token = "";

    setToken(token) {
        this.token = token;
    }

    async models() {
        return (await this.ask("GET", "models")).models;
    }

    describe(model) {
        return this.ask("GET", modelPath(model));
    }

    predict(model, of) {
        return this.ask("POST", `${modelPath(model)}/predict`, { json: of });
    }

    forecast(model, table) {
        return this.ask("POST", `${modelPath(model)}/forecast`, { csv: table });
    }

    generate(model, of) {
        return this.ask("POST", `${modelPath(model)}/generate`, { json: of });
    }

    async session(model) {
        const made = await this.ask("POST", `${modelPath(model)}/sessions`);
        return new HttpSession(this, `${modelPath(model)}/sessions/${made.session}`);
    }

    /** One request; its answer as JSON, or nothing where there is none. */
    async ask(method, path, { json, csv, keepalive = false } = {}) {
        const headers = {};
        if (this.token) headers.authorization = `Bearer ${this.token}`;
        if (json !== undefined) headers["content-type"] = "application/json";
        if (csv !== undefined) headers["content-type"] = "text/csv";
        const body = json === undefined ? csv : JSON.stringify(json);
        let response;
        try {
            response = await fetch(new URL(path, base), { method, headers, body, keepalive });
        } catch (cause) {
            throw new EngineError(`no answer from ${base.host}: ${cause.message}`);
        }
        if (response.status === 204) return null;
        const text = await response.text();
        let answer;
        try {
            answer = JSON.parse(text);
        } catch {
            answer = { error: `${response.status} ${response.statusText}: ${text.slice(0, 200)}` };
        }
        if (response.ok && !answer.error) return answer;
        const wait = Number(response.headers.get("retry-after")) || 0;
        throw new EngineError(answer.error ?? `${response.status} ${response.statusText}`, { status: response.status, wait });
    }
}

class HttpSession extends Session {
    constructor(engine, path) {
        super();
        this.engine = engine;
        this.path = path;
        this.ended = false;
        // A page that is closed leaves no session behind.
        this.leave = () => this.end().catch(() => {});
        addEventListener("pagehide", this.leave);
    }

    step(step) {
        return this.engine.ask("POST", `${this.path}/step`, { json: step });
    }

    stream({ answer, error, end }) {
        const url = new URL(`${this.path}/stream`, base);
        url.protocol = url.protocol.replace("http", "ws");
        // A page cannot set a header of a WebSocket; the server reads the token among the protocols.
        const protocols = this.engine.token ? ["elman", `bearer.${this.engine.token}`] : ["elman"];
        return new Promise((resolve, reject) => {
            const socket = new WebSocket(url, protocols);
            let isOpen = false;
            socket.onopen = () => {
                isOpen = true;
                const send = (step) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(step));
                resolve({ send, close: () => socket.close(1000) });
            };
            socket.onmessage = ({ data }) => {
                const said = JSON.parse(data);
                if (said.error) error(new EngineError(said.error, { status: said.status }));
                else answer(said);
            };
            socket.onclose = ({ code, reason }) => {
                if (isOpen) return end(code === 1000 ? "" : reason || `the connection was closed (${code})`);
                reject(new EngineError(`no stream from ${base.host}`));
            };
        });
    }

    async end() {
        if (this.ended) return;
        this.ended = true;
        removeEventListener("pagehide", this.leave);
        await this.engine.ask("DELETE", this.path, { keepalive: true });
    }
}

// What computes: the one interface between the page and the networks. Today a server does it (engine-http.js). Whatever
// takes its place extends this class; no other module of the page knows where the numbers come from.

/** Why something was not computed, in words for whoever reads the page. */
export class EngineError extends Error {
    /**
     * @param {string} message
     * @param {{status?: number, wait?: number}} [more] HTTP's status or its like; seconds after which to try again
     */
    constructor(message, { status = 0, wait = 0 } = {}) {
        super(message);
        this.status = status;
        this.wait = wait;
    }
}

/**
 * @typedef {{name: string, job: string|null, sessions: boolean}} Listed  A model in the list.
 *
 * @typedef {object} Described  What a model reads and answers.
 * @property {string} name
 * @property {string|null} job
 * @property {number} parameters
 * @property {{cell: string, hidden: number}[]} layers
 * @property {{features: number, tokens: number|null, names?: string[], unit?: string}} inputs
 * @property {number|null} steps  T, where it is fixed.
 * @property {{each_step: boolean, what: string, outputs: number, names: string[]|null, target?: string}} answers
 * @property {{available: boolean, why?: string}} sessions
 * @property {{target: string, time: string[], id: string[]|null, covariates: string[], known: string[],
 *     frequency: string, season: number, context: number, horizon: number, levels: number[]}} [series]
 *
 * @typedef {{x: number[]}|{steps: number[][]}|{text: string}} Given  Steps: one, several, or the characters of a text.
 * @typedef {Given & {answers?: "each"|"last", hidden?: boolean, gates?: boolean}} Step  What a session is to read, and to say.
 *
 * @typedef {object} Answer  After a step. Which fields there are depends on the model.
 * @property {string|number|null} [class]
 * @property {string|null} [next]  Of a text.
 * @property {number[]} [probabilities]
 * @property {number[]} [values]
 * @property {number[]} [quantiles]
 *
 * @typedef {{layer: number, name: string, bound: "sigmoid"|"tanh"|"relu"|"none", values: number[]}} Gate  At a step.
 * @typedef {{steps: number, answers: Answer[], hidden?: number[][], gates?: Gate[][]}} Answered  `hidden` is h of the last layer,
 *     [T, H]; `gates` are those of all layers, a list for each step.
 *
 * @typedef {{levels: number[], too_short: {id: string, steps: number}[], nothing_known: string[],
 *     forecasts: {id: string, times: string[], quantiles: number[][]}[]}} Forecasts  `quantiles` is [horizon, levels].
 */

/** A state that goes on from step to step. */
export class Session {
    /**
     * @param {Step} step
     * @returns {Promise<Answered>}
     */
    step(step) {
        throw new Error("to be written");
    }

    /**
     * A live line for many steps: answers come in the order in which the steps were sent.
     * @param {{answer: (of: Answered) => void, error: (of: EngineError) => void, end: (why: string) => void}} to
     * @returns {Promise<{send: (step: Step) => void, close: () => void}>}
     */
    stream(to) {
        throw new Error("to be written");
    }

    /** Forgets the state. To end twice does no harm. @returns {Promise<void>} */
    end() {
        throw new Error("to be written");
    }
}

/** All that the page asks for. Each method may fail with an `EngineError`. */
export class Engine {
    /** Shown to the engine where it asks for one: an error of status 401. @param {string} token */
    setToken(token) {
        throw new Error("to be written");
    }

    /** @returns {Promise<Listed[]>} */
    models() {
        throw new Error("to be written");
    }

    /** @param {string} model @returns {Promise<Described>} */
    describe(model) {
        throw new Error("to be written");
    }

    /**
     * An answer for each whole sequence.
     * @param {string} model
     * @param {{sequences: number[][][]}|{texts: string[]}} of
     * @returns {Promise<{predictions: Answer[]}>}
     */
    predict(model, of) {
        throw new Error("to be written");
    }

    /** From a state of zeros. @param {string} model @returns {Promise<Session>} */
    session(model) {
        throw new Error("to be written");
    }

    /** @param {string} model @param {string} table CSV @returns {Promise<Forecasts>} */
    forecast(model, table) {
        throw new Error("to be written");
    }

    /**
     * @param {string} model
     * @param {{prime: string, length: number, temperature: number, top_k?: number, seed: number}} of
     * @returns {Promise<{text: string, stopped: string}>}
     */
    generate(model, of) {
        throw new Error("to be written");
    }
}

// The WebAssembly as JavaScript calls it: a request in JSON and bytes, an answer in JSON and bytes. For the worker, and for tests in Node.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Why a request is not answered. */
export class Refused extends Error {
    constructor(message, status = 0) {
        super(message);
        this.status = status;
    }
}

export class Module {
    /** Why it cannot be used any more; empty while it can. */
    broken = "";

    /** @param {WebAssembly.Exports} exports */
    constructor(exports) {
        this.exports = exports;
    }

    /** @param {BufferSource} bytes  Of elman.wasm. @returns {Promise<Module>} */
    static async start(bytes) {
        return new Module((await WebAssembly.instantiate(bytes, {})).instance.exports);
    }

    /** Whether it was built with SIMD128. */
    get simd() {
        return this.exports.elman_simd() === 1;
    }

    bytes(at, length) {
        return new Uint8Array(this.exports.memory.buffer, at, length);
    }

    /** Bytes in the module's memory, which it frees. */
    handed(bytes) {
        const at = this.exports.elman_alloc(bytes.length);
        this.bytes(at, bytes.length).set(bytes);
        return [at, bytes.length];
    }

    /** One call. */
    call(request, bytes) {
        if (this.broken) throw new Refused(this.broken);
        try {
            const reply = this.exports.elman_call(...this.handed(encoder.encode(JSON.stringify(request))), ...this.handed(bytes));
            const [json, jsonLength, out, outLength] = new Uint32Array(this.exports.memory.buffer, reply, 4);
            return { ...JSON.parse(decoder.decode(this.bytes(json, jsonLength))), bytes: this.bytes(out, outLength).slice() };
        } catch (cause) {
            const said = decoder.decode(this.bytes(this.exports.elman_panic(), this.exports.elman_panic_len()));
            this.broken = `the network broke off and cannot go on; load the page again: ${said || cause.message}`;
            throw new Refused(this.broken);
        }
    }

    /**
     * Fetches what a request lacks, and asks again.
     * @param {object} request
     * @param {Uint8Array} bytes
     * @param {(name: string) => Uint8Array|Promise<Uint8Array>} data  A file of data/.
     * @returns {Promise<{value: any, bytes: Uint8Array}>}
     */
    async ask(request, bytes, data) {
        for (;;) {
            const answer = this.call(request, bytes);
            if (answer.error) throw new Refused(answer.error, answer.status);
            if (!answer.missing) return { value: answer.ok, bytes: answer.bytes };
            for (const name of answer.missing) this.call({ op: "put", name }, await data(name));
        }
    }
}

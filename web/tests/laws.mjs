// The laws of the kernels, as web/laws exports them. For Node and for a browser.

/**
 * Each law's name; of one that cannot be looked at in WebAssembly, its reason.
 * @param {WebAssembly.Module} module
 * @returns {{name: string, reason?: string}[]}
 */
export function laws(module) {
    return WebAssembly.Module.exports(module).flatMap(({ name }) => {
        const [, kind, law, reason] = /^(law|none) (\S+?)(?:: (.*))?$/.exec(name) ?? [];
        return kind ? [{ name: law, ...(kind === "none" ? { reason } : {}) }] : [];
    });
}

/**
 * Looks at a law, in an instance of its own: a panic leaves one that cannot be used.
 * @returns {Promise<string>} What broke it; empty where it holds.
 */
export async function broken(module, name) {
    const { exports } = await WebAssembly.instantiate(module, {});
    try {
        exports[`law ${name}`]();
        return "";
    } catch (error) {
        const said = new TextDecoder().decode(new Uint8Array(exports.memory.buffer, exports.said(), exports.said_len()));
        return said || String(error);
    }
}

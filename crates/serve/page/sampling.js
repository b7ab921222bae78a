// Choosing the next character from its probabilities.

/**
 * Random numbers of a seed, the same in every browser: the generator "mulberry32" by Tommy Ettinger.
 * @param {number} seed
 * @returns {() => number} from 0 up to, but without, 1
 */
export function randoms(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let z = Math.imul(state ^ (state >>> 15), state | 1);
        z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
        return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
    };
}

/**
 * p^(1/T), brought to a sum of 1. At temperature 0 the most probable has all.
 * @param {number[]} probabilities
 * @param {number} temperature
 * @returns {number[]}
 */
export function heated(probabilities, temperature) {
    const most = Math.max(...probabilities);
    if (temperature <= 0) {
        const best = probabilities.indexOf(most);
        return probabilities.map((_, index) => (index === best ? 1 : 0));
    }
    // Of logarithms, so that a low temperature makes no 0 / 0.
    const powers = probabilities.map((p) => Math.exp((Math.log(p) - Math.log(most)) / temperature));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
}

/**
 * @param {number[]} probabilities  Their sum is 1.
 * @param {number} random  From 0 up to, but without, 1.
 * @returns {number} which
 */
export function choose(probabilities, random) {
    let sum = 0;
    for (let index = 0; index < probabilities.length; index += 1) {
        sum += probabilities[index];
        if (random < sum) return index;
    }
    // Rounding may leave the sum a hair below 1.
    return probabilities.findLastIndex((p) => p > 0);
}

/** The n largest, the largest first, as [index, probability]. */
export function largest(probabilities, n) {
    const all = probabilities.map((p, index) => [index, p]);
    return all.sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, n);
}

// Trainings that run together, in turns on the one engine: what is behind each Train button.

import { EngineError } from "./shared/engine.js";

/** How long a turn lasts, in milliseconds. */
const TURN = 120;

/** So many points a curve has at most; then two become one. */
const POINTS_MAX = 1600;

/** What one training has told so far. */
class Course {
    points = [];
    each = 1;
    last = null;
    spent = 0;

    /** @param {object} record  What `onstep` was told. @param {number} images  Rows that a step reads. */
    add(record, images) {
        this.spent += record.milliseconds;
        const { step, loss, accuracy } = record;
        this.last = record;
        const point = { steps: step, loss, accuracy, seconds: this.spent / 1000, images: step * images };
        if (step % this.each === 0) this.points.push(point);
        if (this.points.length <= POINTS_MAX) return;
        // Means of two neighbours, at the place of the later one.
        this.points = Array.from({ length: this.points.length >> 1 }, (_, index) => {
            const [a, b] = [this.points[2 * index], this.points[2 * index + 1]];
            return { ...b, loss: (a.loss + b.loss) / 2, accuracy: (a.accuracy + b.accuracy) / 2 };
        });
        this.each *= 2;
    }
}

/**
 * Tells of itself by events: "change" when its state has changed, "step" after steps, "fresh" when it starts over. (Where the
 * trainings could not be made, it is "none" without being fresh: whoever asked for them is told why.)
 *
 * States: "none" (nothing there), "starting", "paused", "running".
 */
export class Runner extends EventTarget {
    state = "none";

    /** @type {{key: string, training: any, course: Course}[]} */
    all = [];

    /**
     * @param {import("./lesson.js").Lesson} lesson
     * @param {() => {key: string, job: string, name: string, settings: object, text?: string}[]} plan  Asked anew at each start.
     * @param {"steps"|"seconds"} fair  Of which each training gets as much as the others.
     */
    constructor(lesson, plan, fair = "steps") {
        super();
        Object.assign(this, { lesson, plan, fair });
    }

    get steps() {
        return Math.max(0, ...this.all.map(({ course }) => course.last?.step ?? 0));
    }

    of(key) {
        return this.all.find((each) => each.key === key);
    }

    become(state) {
        this.state = state;
        this.dispatchEvent(new Event("change"));
    }

    /** The trainings, made where there are none yet. */
    ready() {
        this.making ??= this.make().catch((error) => {
            this.making = null;
            this.become("none");
            throw error;
        });
        return this.making;
    }

    async make() {
        this.become("starting");
        const engine = await this.lesson.engine();
        const all = [];
        try {
            for (const { key, ...of } of this.plan()) {
                const each = { key, training: await engine.train(of), course: new Course(), milliseconds: 0 };
                all.push(each);
                const { batch_size, images: those } = { ...of.settings, ...each.training.info?.settings };
                const images = batch_size === "full" ? (those ?? 1) : (batch_size ?? 1);
                each.training.onstep = (record) => {
                    each.course.add(record, images);
                    this.dispatchEvent(new Event("step"));
                };
            }
        } catch (error) {
            await Promise.all(all.map(({ training }) => training.end()));
            throw error;
        }
        this.all = all;
        this.become("paused");
        return all;
    }

    /** So many steps of each training, or until `pause`. One runner runs at a time: they share a processor. */
    async run(steps = Infinity) {
        const all = await this.ready();
        if (this.state === "running") return;
        await this.lesson.takeTurn(this);
        this.isWanted = true;
        this.become("running");
        this.turns = this.takeTurns(all, all.map(({ course }) => (course.last?.step ?? 0) + steps));
        try {
            await this.turns;
        } finally {
            this.isWanted = false;
            if (this.state === "running") this.become("paused");
        }
    }

    async takeTurns(all, goals) {
        const used = ({ course }) => (this.fair === "seconds" ? course.spent : (course.last?.step ?? 0));
        while (this.isWanted) {
            const open = all.filter(({ course }, index) => (course.last?.step ?? 0) < goals[index]);
            if (open.length === 0) return;
            // Whoever has had least is next.
            const next = open.reduce((least, each) => (used(each) < used(least) ? each : least));
            const left = goals[all.indexOf(next)] - (next.course.last?.step ?? 0);
            // Where steps are compared, nobody goes far ahead: turns are as many steps as the slowest has time for.
            const pace = this.fair === "steps" ? Math.max(...open.map(({ milliseconds }) => milliseconds)) : next.milliseconds;
            const isMeasured = open.every(({ milliseconds }) => milliseconds > 0);
            const count = isMeasured ? Math.max(1, Math.min(left, Math.round(TURN / Math.max(pace, 0.5)))) : 1;
            const from = performance.now();
            const { why } = await next.training.run(count);
            if (why === "ended") throw new EngineError("the training has come to its end");
            next.milliseconds = (performance.now() - from) / count;
        }
    }

    async pause() {
        this.isWanted = false;
        // What went wrong in a turn is told by `run`.
        await this.turns?.catch(() => {});
    }

    /** Ends what there is. The next start asks for a plan anew. */
    async restart() {
        await this.making?.catch(() => {});
        await this.pause();
        const { all } = this;
        Object.assign(this, { all: [], making: null });
        this.become("none");
        this.dispatchEvent(new Event("fresh"));
        await Promise.all(all.map(({ training }) => training.end()));
    }

    /** Another learning rate, now and for what is running. */
    async set(settings) {
        await Promise.all(this.all.map(({ training }) => training.set(settings)));
    }
}

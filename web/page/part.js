// A part of the lesson: a section that is shown by itself. It starts when it is first shown, and draws while it is seen.

import { Panel } from "./shared/panel.js";
import { onTheme } from "./shared/colours.js";
import { onLanguage } from "./shared/words.js";

export class Part extends Panel {
    /**
     * @param {string} id
     * @param {import("./lesson.js").Lesson} lesson
     */
    constructor(id, lesson) {
        super(id, { engine: null, refused: () => {} });
        this.lesson = lesson;
        this.isStarted = false;
        this.isDue = false;
        const again = () => this.redraw();
        onLanguage(() => {
            if (this.isStarted) this.words();
            again();
        });
        onTheme(again);
        addEventListener("resize", again);
    }

    /** Called each time the part comes into sight. */
    show() {
        if (!this.isStarted) {
            this.isStarted = true;
            this.start();
            this.words();
        }
        this.redraw();
    }

    /** Called once, when the part is first seen. */
    start() {}

    /** Words that are no `data-word` of the HTML. */
    words() {}

    /** Draws what is seen, soon, and once however often it is asked for. */
    redraw() {
        if (this.isDue) return;
        this.isDue = true;
        requestAnimationFrame(() => {
            this.isDue = false;
            if (this.isStarted && this.root.offsetParent !== null) this.draw();
        });
    }

    draw() {}
}

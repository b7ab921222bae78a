// The drawing board: strokes by mouse, finger, pen or arrow keys. It gives strokes, lists of points [x, y] from 0 to 1.

const STEP = 0.04;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pen {
    /**
     * @param {HTMLCanvasElement} canvas
     * @param {{drawn: (strokes: number[][][]) => void, lowered: (isDown: boolean) => void}} to  After each stroke; when the
     *     keyboard lowers or lifts the pen.
     */
    constructor(canvas, { drawn, lowered }) {
        Object.assign(this, { canvas, drawn, lowered, strokes: [], cursor: null, isDown: false });
        canvas.addEventListener("pointerdown", (event) => {
            if (event.button !== 0) return;
            canvas.setPointerCapture(event.pointerId);
            this.cursor = null;
            this.isDown = false;
            this.begin(this.place(event));
        });
        canvas.addEventListener("pointermove", (event) => {
            if (!canvas.hasPointerCapture(event.pointerId)) return;
            // A fast hand makes several points between two frames.
            const events = event.getCoalescedEvents?.() ?? [];
            (events.length > 0 ? events : [event]).forEach((each) => this.go(this.place(each)));
        });
        for (const end of ["pointerup", "pointercancel"]) {
            canvas.addEventListener(end, (event) => {
                if (!canvas.hasPointerCapture(event.pointerId)) return;
                canvas.releasePointerCapture(event.pointerId);
                this.drawn(this.strokes);
            });
        }
        canvas.addEventListener("keydown", (event) => this.key(event));
        canvas.addEventListener("blur", () => this.hideCursor());
        this.draw();
    }

    /** Strokes that come from elsewhere. */
    set(strokes) {
        this.strokes = strokes.map((stroke) => [...stroke]);
        this.isDown = false;
        this.draw();
        this.drawn(this.strokes);
    }

    /** An empty board, of which nobody is told. */
    clear() {
        Object.assign(this, { strokes: [], isDown: false });
        this.draw();
    }

    place({ clientX, clientY }) {
        const { left, top, width, height } = this.canvas.getBoundingClientRect();
        return [within((clientX - left) / width), within((clientY - top) / height)];
    }

    begin(point) {
        this.strokes.push([point]);
        this.draw();
    }

    go(point) {
        this.strokes.at(-1).push(point);
        this.draw();
    }

    key(event) {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const move = KEYS[event.key];
        if (move) {
            this.cursor ??= [0.5, 0.3];
            this.cursor = this.cursor.map((at, axis) => within(at + STEP * move[axis]));
            if (this.isDown) this.go(this.cursor);
        } else if (event.key === " ") {
            this.cursor ??= [0.5, 0.3];
            this.isDown = !this.isDown;
            if (this.isDown) this.begin(this.cursor);
            else this.drawn(this.strokes);
            this.lowered(this.isDown);
        } else if (event.key === "Delete" || event.key === "Backspace") this.set([]);
        else return;
        event.preventDefault();
        this.draw();
    }

    hideCursor() {
        if (this.isDown) this.drawn(this.strokes);
        this.isDown = false;
        this.cursor = null;
        this.draw();
    }

    draw() {
        const { width, height } = this.canvas;
        const context = this.canvas.getContext("2d");
        context.clearRect(0, 0, width, height);
        Object.assign(context, { lineWidth: width / 13, lineCap: "round", lineJoin: "round", strokeStyle: "#f4f4f1" });
        for (const stroke of this.strokes) {
            context.beginPath();
            stroke.forEach(([x, y]) => context.lineTo(x * width, y * height));
            // A line of one point has a round cap only if it goes somewhere.
            context.lineTo(stroke.at(-1)[0] * width + 0.1, stroke.at(-1)[1] * height);
            context.stroke();
        }
        if (!this.cursor) return;
        Object.assign(context, { lineWidth: 4, strokeStyle: "#f59a52", fillStyle: "#f59a52" });
        context.beginPath();
        context.arc(this.cursor[0] * width, this.cursor[1] * height, width / 26, 0, 2 * Math.PI);
        if (this.isDown) context.fill();
        else context.stroke();
    }
}

const within = (share) => Math.max(0, Math.min(1, share));

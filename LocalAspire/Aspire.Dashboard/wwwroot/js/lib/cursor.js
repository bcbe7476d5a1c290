const near = 500;

/** The row of a virtual list that arrow keys move and Enter opens. The list is one stop for Tab; what its rows offer is in the details as well. */
export class Cursor {
    index = null;

    constructor(list, { count, open }) {
        this.list = list;
        this.count = count;
        this.open = open;
        list.element.addEventListener("keydown", event => this.#keydown(event));
    }

    mark(element, index) {
        element.classList.toggle("current", index === this.index);
    }

    at(index) {
        this.index = index;
        this.key = this.list.keyAt(index);
    }

    /** Stays with its row when others have come or gone above it. */
    settle() {
        if (this.index === null || this.list.keyAt(this.index) === this.key)
            return;
        for (let by = 1; by <= near; by++)
            for (const index of [this.index + by, this.index - by])
                if (index >= 0 && index < this.count() && this.list.keyAt(index) === this.key)
                    return this.index = index;
    }

    #keydown(event) {
        const { list } = this, count = this.count(), page = Math.max(1, list.last - list.first - 1);
        const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
        if (by !== undefined && count > 0) {
            // The first press marks a row in view.
            const from = this.index ?? (by > 0 ? list.first - 1 : Math.min(list.last, count));
            this.at(Math.min(count - 1, Math.max(0, from + by)));
            list.scrollTo(this.index);
            list.draw();
            event.preventDefault();
        } else if (event.key === "Enter" && event.target === list.element && this.index !== null && this.index < count) {
            this.open(this.index);
        }
    }
}

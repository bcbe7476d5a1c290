const second = 1000, minute = 60 * second, hour = 60 * minute;
const clockSteps = [1, 2, 5, 10, 15, 30].map(n => n * second).concat([1, 2, 5, 10, 15, 30].map(n => n * minute), [1, 2, 3, 6, 12, 24].map(n => n * hour));

/** The smallest of 1, 2 and 5 times a power of ten that gives no more than this many steps. */
export function step(range, most) {
    const raw = range / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    return [1, 2, 5, 10].map(n => n * power).find(candidate => candidate >= raw * 0.999_999);
}

/** Like step, but in powers of 1024. */
export function byteStep(range, most) {
    const power = 1024 ** Math.max(0, Math.floor(Math.log(range / most) / Math.log(1024)));
    const size = step(range / power, most);
    return size >= 1024 ? 1024 * power : size * power;
}

/** Like step, but for milliseconds: above a second people count in 60s. */
export function durationStep(range, most) {
    const raw = range / most;
    return raw < second ? step(range, most) : clockSteps.find(candidate => candidate >= raw) ?? step(range, most);
}

const upTo = (from, to, size) => {
    const first = Math.ceil(from / size - 1e-9);
    return Array.from({ length: Math.max(0, Math.floor(to / size + 1e-9) - first + 1) }, (_, i) => (first + i) * size);
};

export const values = upTo;

export const durations = (from, to, most) => upTo(from, to, durationStep(to - from || 1, most));

/** Round times of day in the zone of the reader. */
export function clock(from, to, most) {
    const shift = -new Date(to).getTimezoneOffset() * minute;
    return upTo(from + shift, to + shift, durationStep(to - from, most)).map(time => time - shift);
}

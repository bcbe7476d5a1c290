import { post } from "../lib/api.js";
import { button, dialog, menu, toast } from "../lib/ui.js";

const icons = { start: "play", stop: "stop", restart: "restart", "resource-start": "play", "resource-stop": "stop", "resource-restart": "restart" };

async function run(resource, command) {
    try {
        const result = await post(`/resources/${encodeURIComponent(resource.id)}/commands/${encodeURIComponent(command.name)}`);
        if (!result.canceled)
            toast(result.message ?? `${resource.displayName}: ${command.displayName} ${result.success ? "done" : "failed"}`, result.success ? "info" : "error");
    } catch (error) {
        toast(error.message, "error");
    }
}

const ask = (resource, command) => command.confirmation
    ? dialog(`${command.displayName}: ${resource.displayName}`, command.confirmation, [[command.displayName, () => run(resource, command), "primary"]])
    : run(resource, command);

/** Buttons for what is done often, a menu for the rest. */
export function commandButtons(resource, links = []) {
    const often = resource.commands.filter(command => icons[command.name] || command.highlighted);
    const rest = resource.commands.filter(command => !often.includes(command));
    const buttons = often.map(command => button(icons[command.name] ?? "wrench", `${command.displayName} ${resource.displayName}`, () => ask(resource, command), { disabled: command.state === "Disabled" }));
    return rest.length + links.length === 0 ? buttons
        : [...buttons, menu(`More of ${resource.displayName}`, () => [...rest.map(command => [command.displayName, () => ask(resource, command), { disabled: command.state === "Disabled", title: command.description }]), ...links])];
}

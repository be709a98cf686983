"""What an exported script changes on its way: settings as its variables, and its function that changes them after the same steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcore.export.repeating import Change, Repetition

if TYPE_CHECKING:
    from dlcore.component import Component
    from dlcore.experiment import Experiment

LOSS_NAMES = ("encode", "loss_of_rows", "predict")  # of the loss in use
Assignments = list[tuple[str, str]]  # (variables with commas between them, what they get)


def name_parts(experiment: Experiment) -> tuple[str, ...]:
    """The names of the parts of the rows; the second part is watched while the network learns."""
    return ("train", "test") if experiment.watched == "test" else ("train", "validation", "test")


def change_blocks(repeated: Repetition) -> list[str]:
    """The settings that are changed, as they are at first, and the function that changes them."""
    watches = watches_for_the_best(repeated)
    watched = repeated.beginning.watched
    changed = [(change.step, _change_assignments(change, repeated)) for change in repeated.changes]
    if watches:
        for (_, assignments), change in zip(changed, repeated.changes, strict=True):
            begins_to_restore = change.changes("restore_best") and change.after.restore_best
            if change.changes("loss", "class_weights"):  # Losses of two kinds cannot be compared.
                assignments.append((f"best_{watched}_loss, best_epoch", 'float("inf"), epochs'))
            elif begins_to_restore:  # The best epoch is looked for from here on.
                assignments.append((f"best_{watched}_loss", 'float("inf")'))
            if restores_best(repeated) and (change.changes("loss", "class_weights") or begins_to_restore):
                assignments.append(("best_weights", "None"))
    assigned = [variables for _, assignments in changed for variables, _ in assignments if "." not in variables]
    names = dict.fromkeys(name for variables in assigned for name in variables.split(", "))
    lines = [f"global {', '.join(names)}"] if names else []
    for number, (step, assignments) in enumerate(changed):
        lines.append(f"{'elif' if number else 'if'} step == {step}:")
        lines += [f"    {line}" for line in (write_value(assignments) or "pass").splitlines()]
    lines += ["else:", "    return False", "return True"]
    arguments = "step, epochs" if watches else "step"
    docstring = '"""Make the changes that were made in the run after so many steps; return whether there were any."""'
    function = [f"def change_settings({arguments}):", *(f"    {line}" for line in (docstring, *lines))]
    first = write_value(_first_assignments(repeated))
    return [*([f"# At first; change_settings changes it.\n{first}"] if first else []), "\n".join(function)]


def _first_assignments(repeated: Repetition) -> Assignments:
    """The variables that stand for settings which are changed on the way. Loss, optimizer and class weights have theirs already."""
    return [
        assignment
        for name in ("batch_size", "schedule", "regularizer", "gradient_clip", "early_stopping", "restore_best")
        if repeated.varies(name)
        for assignment in _setting_assignments(name, repeated.beginning)
    ] + _rate_assignments(repeated, repeated.beginning)


def _change_assignments(change: Change, repeated: Repetition) -> Assignments:
    after = change.after
    names = (
        "batch_size", "loss", "class_weights", "schedule", "regularizer", "gradient_clip", "early_stopping", "restore_best",
    )  # fmt: skip
    assignments = [
        assignment for name in names if change.changes(name) for assignment in _setting_assignments(name, after)
    ]
    if change.forgets:
        assignments.append(("optimizer", new_optimizer(after)))
    elif change.changes("optimizer"):
        before, now = change.before.optimizer.arguments(), after.optimizer.arguments()
        changed = {name: value for name, value in now.items() if value != before[name]}
        assignments += [
            (f'optimizer.param_groups[0]["{name}"]', repr(value))
            for name, value in changed.items()
            if name != "lr" or not is_scheduled(repeated)
        ]
    if change.changes("optimizer"):
        assignments += _rate_assignments(repeated, after)
    return assignments


def _setting_assignments(name: str, experiment: Experiment) -> Assignments:
    match name:
        case "loss":
            return loss_assignments(experiment)
        case "class_weights":
            return class_weight_assignments(experiment)
        case "schedule":
            schedule = experiment.schedule
            return [("learning_rate_factor", _bind(factor_name(schedule.kind), list_fields(schedule)))]
        case "regularizer":
            regularizer = experiment.regularizer
            return [("add_penalty_gradient", _bind(penalty_name(regularizer.kind), list_fields(regularizer)))]
    return [(name, repr(getattr(experiment, name)))]


def _rate_assignments(repeated: Repetition, experiment: Experiment) -> Assignments:
    if not (is_scheduled(repeated) and repeated.varies("optimizer")):
        return []
    return [("learning_rate", repr(experiment.optimizer.learning_rate))]


def loss_names(kind: str) -> tuple[str, str, str]:
    """The names of the three functions of one of several losses."""
    return f"encode_for_{kind}", f"{kind}_of_rows", f"predict_for_{kind}"


def loss_assignments(experiment: Experiment) -> Assignments:
    """One of several losses in use, and the targets in its form."""
    encode, rows, predict = loss_names(experiment.loss.kind)
    functions = f"{encode}, {_bind(rows, experiment.loss.arguments())}, {predict}"
    return [(", ".join(LOSS_NAMES), functions), target_assignment(experiment)]


def target_assignment(experiment: Experiment) -> tuple[str, str]:
    """The targets in the form that the loss in use takes."""
    parts = name_parts(experiment)
    return ", ".join(f"targets_{part}" for part in parts), ", ".join(f"encode(y_{part})" for part in parts)


def class_weight_assignments(experiment: Experiment) -> Assignments:
    """What each training row counts; None: all the same."""
    weighted = experiment.class_weights != "none"
    return [("weights_train", "balanced_weights(y_train)[y_train]" if weighted else "None")]


def is_weighted(repeated: Repetition) -> bool:
    """Whether rows count by their classes at any time."""
    return any(phase.class_weights != "none" for phase in repeated.phases)


def is_scheduled(repeated: Repetition) -> bool:
    """Whether the learning rate follows a schedule at any time."""
    return any(phase.schedule.kind != "constant" for phase in repeated.phases)


def watches_for_the_best(repeated: Repetition) -> bool:
    """Whether the best loss matters at any time: then it is tracked from the beginning."""
    return stops_early(repeated) or restores_best(repeated)


def stops_early(repeated: Repetition) -> bool:
    """Whether the run may stop early at any time."""
    return any(phase.early_stopping for phase in repeated.phases)


def restores_best(repeated: Repetition) -> bool:
    """Whether the network may get back the weights of the best epoch in the end."""
    return any(phase.restore_best for phase in repeated.phases)


def factor_name(kind: str) -> str:
    """The function of one of several schedules."""
    return f"{kind}_factor"


def penalty_name(kind: str) -> str:
    """The function of one of several regularizers."""
    return f"add_{kind}_gradient"


def list_fields(component: Component) -> dict[str, Any]:
    """{field: value} of a component, without its kind."""
    return {field: value for field, value in component if field != "kind"}


def _bind(function: str, arguments: dict[str, Any]) -> str:
    return f"partial({function}, {_write_keywords(arguments)})" if arguments else function


def new_optimizer(experiment: Experiment) -> str:
    """The call that makes the optimizer."""
    optimizer = experiment.optimizer
    return f"torch.optim.{optimizer.rule}(model.parameters(), {_write_keywords(optimizer.arguments())})"


def _write_keywords(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def write_value(assignments: Assignments) -> str:
    """The assignments as lines of the script."""
    return "\n".join(f"{variables} = {expression}" for variables, expression in assignments)

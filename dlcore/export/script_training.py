"""The half of an exported script that learns: loss and metric, training, results.

Settings that were changed in the run are variables of the script (script_changes.py).
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dlcore.class_weights import balanced_weights
from dlcore.component import Component
from dlcore.export.repeating import Repetition
from dlcore.export.script_changes import (
    LOSS_NAMES,
    change_blocks,
    class_weight_assignments,
    factor_name,
    is_scheduled,
    is_weighted,
    list_fields,
    loss_assignments,
    loss_names,
    name_parts,
    new_optimizer,
    penalty_name,
    restores_best,
    stops_early,
    target_assignment,
    watches_for_the_best,
    write_value,
)
from dlcore.export.source import called_functions, dedent, first_line, function_text
from dlcore.layers import all_layers

if TYPE_CHECKING:
    from dlcore.losses import LossComponent
    from dlcore.objectives import ObjectiveComponent

NOT_REPEATED = "need not be the run's: it was changed in ways that this script does not repeat."


# Loss and metric


def loss_blocks(repeated: Repetition) -> list[str]:
    """How targets are encoded, the loss of each row, what the outputs claim, and the metric."""
    beginning = repeated.beginning
    objective, metric = beginning.objective, beginning.objective.metric
    losses = _choose_one_of_each_kind([phase.loss for phase in repeated.phases])
    several = repeated.varies("loss")
    blocks = [
        text
        for loss in losses
        for text in _loss_texts(objective, loss, loss_names(loss.kind) if several else LOSS_NAMES)
    ]
    if is_weighted(repeated):
        known = {"classes": objective.num_classes}
        blocks.insert(2, function_text(balanced_weights, "balanced_weights", first_line(balanced_weights), known))
    blocks.append(function_text(metric.measure, metric.kind, first_line(type(metric))))
    if several:
        blocks.append(write_value(loss_assignments(beginning)))
    else:
        blocks.append(write_value([target_assignment(beginning)]))
    if is_weighted(repeated):
        ((variable, expression),) = class_weight_assignments(beginning)
        blocks.append(f"{variable} = {expression}  # What each row counts in the loss.")
    return list(dict.fromkeys(blocks))


def _loss_texts(objective: ObjectiveComponent, loss: LossComponent, names: tuple[str, str, str]) -> list[str]:
    encode, rows, predict = names
    coding = objective.coding(loss)
    meaning = f"What the sums of the last layer claim: {objective.claims}."
    claim = function_text(coding.claim, predict, meaning, coding.known)
    helpers = called_functions(claim, coding.claim).items()
    return [
        function_text(coding.encoding, encode, "Targets in the form that the loss takes.", coding.known),
        function_text(coding.per_row, rows, first_line(type(loss)), coding.formula, loss.arguments()),
        *(
            function_text(helper, name, "(B,) to (B, 2): the probabilities of class 0 and class 1.")
            for name, helper in helpers
        ),
        claim,
    ]


# Training


def training_blocks(repeated: Repetition) -> list[str]:
    """The schedule, the penalty, the history's rows, the optimizer, what is changed on the way, and the loop."""
    beginning = repeated.beginning
    metric, watched = beginning.metric, beginning.watched
    schedules = [phase.schedule for phase in repeated.phases]
    regularizers = [phase.regularizer for phase in repeated.phases]
    blocks = []
    if repeated.varies("schedule"):
        blocks += _write_several_methods(schedules, "factor", factor_name)
    elif is_scheduled(repeated):
        blocks.append(_write_method(beginning.schedule, type(beginning.schedule).factor, "learning_rate_factor"))
    if repeated.varies("regularizer"):
        blocks += _write_several_methods(regularizers, "add_gradient", penalty_name)
    elif beginning.regularizer.kind != "none":
        text = _write_method(beginning.regularizer, type(beginning.regularizer).add_gradient, "add_penalty_gradient")
        blocks.append(text)
    blocks += [
        _scores(repeated),
        dedent(f"""
            optimizer = {new_optimizer(beginning)}
            order_generator = torch.Generator().manual_seed(derived_seed(SEED, "order"))
            step = 0
            print("epoch,step,train_loss,{watched}_loss,train_{metric},{watched}_{metric}")
            report(0, step)
        """),
    ]
    if watches_for_the_best(repeated):
        weights = "\nbest_weights = None" if restores_best(repeated) else ""
        blocks.append(f'best_{watched}_loss, best_epoch = float("inf"), 0{weights}')
    if repeated.changes:
        blocks += change_blocks(repeated)
    return [*blocks, _loop(repeated)]


def _scores(repeated: Repetition) -> str:
    beginning = repeated.beginning
    metric, watched = beginning.metric, beginning.watched
    lines = ["outputs_NK = model(X)"]
    if any(layer.judges_otherwise for layer in all_layers(beginning.layers)):
        lines = ["model.eval()  # Nothing is dropped when it counts.", *lines, "model.train()"]
    measure = textwrap.indent("\n".join(lines), "    ").lstrip()
    report = dedent(f'''
        @torch.no_grad()
        def scores(X, targets, y):
            """Loss and metric over all rows."""
            MEASURE
            loss = loss_of_rows(outputs_NK, targets).double().mean().item()
            return loss, {metric}(predict(outputs_NK), y)


        def report(epoch, step):
            """Print a row of the history."""
            train_loss, train_{metric} = scores(X_train, targets_train, y_train)
            {watched}_loss, {watched}_{metric} = scores(X_{watched}, targets_{watched}, y_{watched})
            print(f"{{epoch}},{{step}},{{train_loss:.6f}},{{{watched}_loss:.6f}},{{train_{metric}:.6f}},{{{watched}_{metric}:.6f}}")
    ''').replace("MEASURE", measure)
    if watches_for_the_best(repeated):
        report = report.replace(
            "Print a row of the history.", f"Print a row of the history; return the {watched} loss."
        )
        report += f"    return {watched}_loss\n"
    return report


def _loop(repeated: Repetition) -> str:
    changing = bool(repeated.changes)
    batch_size = "batch_size" if repeated.varies("batch_size") else "BATCH_SIZE"
    update = [f"batch = order[start : start + {batch_size}]", *_update(repeated)]
    epoch = ["order = torch.randperm(len(X_train), generator=order_generator)"]
    if changing:  # No range of fixed steps: the batch size may change in the middle of an epoch.
        done = ", epoch - 1" if watches_for_the_best(repeated) else ""
        update += [
            "start += len(batch)",
            "if start < len(order):",
            f"    change_settings(step{done})",
        ]
        epoch += ["start = 0", "while start < len(order):"]
    else:
        epoch.append(f"for start in range(0, len(order), {batch_size}):")
    epoch += [f"    {line}" for line in update]
    epoch += _end_of_epoch(repeated)
    return "\n".join(["for epoch in range(1, EPOCHS + 1):", *(f"    {line}" for line in epoch)])


def _update(repeated: Repetition) -> list[str]:
    """One optimisation step on `batch`."""
    beginning = repeated.beginning
    lines = []
    if is_scheduled(repeated):
        base = "learning_rate" if repeated.varies("optimizer") else repr(beginning.optimizer.learning_rate)
        rate = f"{base} * learning_rate_factor(epoch - 1 + start / len(order))"
        lines.append(f'optimizer.param_groups[0]["lr"] = {rate}')
    lines += [
        "optimizer.zero_grad()",
        *_batch_loss(repeated),
        "if not loss.isfinite():",
        '    raise SystemExit(f"Stopped at step {step + 1}: the loss is no longer a finite number. Try a smaller learning rate.")',
        "loss.backward()",
    ]
    if any(phase.regularizer.kind != "none" for phase in repeated.phases):
        lines += [
            "with torch.no_grad():",
            "    for parameter in model.parameters():",
            "        if parameter.dim() > 1:  # Weights only: a bias costs nothing.",
            "            add_penalty_gradient(parameter.grad, parameter)",
        ]
    if repeated.varies("gradient_clip"):
        lines += ["if gradient_clip:", *(f"    {line}" for line in _write_clipping("gradient_clip"))]
    elif beginning.gradient_clip:
        lines += _write_clipping(repr(beginning.gradient_clip))
    return [*lines, "optimizer.step()", "step += 1"]


def _write_clipping(limit: str) -> list[str]:
    return [
        "gradient = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])",
        "norm = nn.utils.get_total_norm([gradient])",
        f"nn.utils.clip_grads_with_norm_(model.parameters(), {limit}, norm)",
    ]


def _batch_loss(repeated: Repetition) -> list[str]:
    if not is_weighted(repeated):
        return ["loss = loss_of_rows(model(X_train[batch]), targets_train[batch]).mean()"]
    losses = "losses = loss_of_rows(model(X_train[batch]), targets_train[batch])"
    weighted = ["weights = weights_train[batch]", "loss = (weights * losses).sum() / weights.sum()"]
    if not repeated.varies("class_weights"):
        return [losses, *weighted]
    unweighted = ["if weights_train is None:", "    loss = losses.mean()", "else:"]
    return [losses, *unweighted, *(f"    {line}" for line in weighted)]


def _end_of_epoch(repeated: Repetition) -> list[str]:
    """The epoch's row of the history, the changes after its last step, and early stopping."""
    if not watches_for_the_best(repeated):
        return ["report(epoch, step)", *(["change_settings(step)"] if repeated.changes else [])]
    watched = repeated.beginning.watched
    loss = f"{watched}_loss"
    lines = [
        f"{loss} = report(epoch, step)",
        f"if {loss} < best_{loss}:",
        f"    best_{loss}, best_epoch = {loss}, epoch",
    ]
    if restores_best(repeated):
        lines.append("    best_weights = copy.deepcopy(model.state_dict())")
    if not stops_early(repeated):
        return [*lines, *(["change_settings(step, epoch)"] if repeated.changes else [])]
    patience = "early_stopping" if repeated.varies("early_stopping") else str(repeated.beginning.early_stopping)
    waited = f"epoch - best_epoch >= {patience}"
    stop = f"    break  # Early stopping: the {watched} loss has not been better for so many epochs."
    if not repeated.changes:
        return [*lines, f"if {waited}:", stop]
    return [
        *lines,
        f"stops_early = {patience} and {waited}" if patience == "early_stopping" else f"stops_early = {waited}",
        "if change_settings(step, epoch):  # A run that had stopped early went on with its new settings.",
        "    best_epoch = epoch if stops_early else best_epoch",
        "elif stops_early:",
        stop,
    ]


# Results


def results_blocks(repeated: Repetition) -> list[str]:
    """The scores of the trained network, and its weights in a file. A warning comes first if the numbers may differ from the run's."""
    experiment = repeated.beginning
    parts = [part for part in name_parts(experiment) if part != "test" or not experiment.sealed]
    metric = experiment.metric
    lines = []
    if restores_best(repeated):
        condition = "restore_best and best_weights" if repeated.varies("restore_best") else "best_weights"
        lines += [
            f"if {condition}:  # The weights of the epoch with the lowest {experiment.watched} loss, which need not be the last.",
            "    model.load_state_dict(best_weights)",
        ]
    lines += [_write_scores(part, metric) for part in parts]
    if repeated.exact_until == 0:
        lines.append(f'print("These numbers {NOT_REPEATED}")')
    elif repeated.exact_until is not None:
        lines += [
            f"if step >= {repeated.exact_until}:",
            f'    print("From step {repeated.exact_until:,} on these numbers {NOT_REPEATED}")',
        ]
    lines += [f'print(f"{part}_{what} {{{part}_{what}:.6f}}")' for what in ("loss", metric) for part in parts]
    if experiment.sealed:
        told = [f'print(f"test_{what} {{test_{what}:.6f}}")' for what in ("loss", metric)]
        lines += [
            'if "--unseal" in sys.argv:  # The test rows judge the network that was chosen, once, and choose none.',
            *(f"    {line}" for line in (_write_scores("test", metric), *told)),
        ]
    lines.append('save_file(model.state_dict(), "model.safetensors")')
    return ["\n".join(lines)]


def _write_scores(part: str, metric: str) -> str:
    return f"{part}_loss, {part}_{metric} = scores(X_{part}, targets_{part}, y_{part})"


# The pieces


def _write_several_methods(components: list[Any], method: str, name: Callable[[str], str]) -> list[str]:
    """The method of each kind among them, as a function of its own."""
    kinds = _choose_one_of_each_kind(components)
    return [_write_method(one, getattr(type(one), method), name(one.kind)) for one in kinds]


def _choose_one_of_each_kind(components: list[Any]) -> list[Any]:
    return list({component.kind: component for component in reversed(components)}.values())[::-1]


def _write_method(component: Component, method: Callable[..., Any], name: str) -> str:
    """A method as a function whose arguments have the component's fields as defaults."""
    return function_text(method, name, first_line(type(component)), defaults=list_fields(component))

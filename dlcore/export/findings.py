"""What the guards and the curves of growth have found, in English: one sentence each, and one on what to try.

The keys are those of dlcore.evaluation.findings; other languages stand in their catalogues.
"""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "finding.overfitting": "Overfitting: the score is {train} on the training rows but {watched} on rows not learned from. "
    "The gap of {gap} lies between {low} and {high} (95% interval).",
    "finding.overfitting.try": "Try more rows, L2 regularization, dropout, fewer units, or early stopping.",
    "finding.no_skill": "No better than a constant answer: the score is {watched} (95% interval {low} to {high}), that of"
    " the constant answer {baseline}.",
    "finding.no_skill.try": "Train longer, try another learning rate or a larger network, and check that the inputs can tell "
    "anything of the target.",
    "finding.no_skill_balanced": "No better than a constant answer: the balanced accuracy is {watched} (95% interval {low} to {high}), that"
    " of a constant answer {baseline}.",
    "finding.no_skill_balanced.try": "Train longer, try another learning rate or a larger network, and check that the inputs can tell "
    "anything of the target.",
    "finding.overlooked_class": "A class is overlooked: of the rows of '{class_name}' that were not learned from the network finds {found};"
    " it has {share} of the training rows.",
    "finding.overlooked_class.try": "Set class weights to balanced (tab Learning): each class then counts the same in the loss, and more of"
    " these rows are found, at the price of false alarms. Where there are two classes the threshold can be moved instead.",
    "finding.id_as_input": "The input '{column}' looks like an id: {distinct} of its whole numbers, from {low} to {high}, "
    "stand once only.",
    "finding.id_as_input.try": "An id says nothing of a new row, but a network can learn rows by it. Take it out of the inputs.",
    "finding.leak": "Possible leakage: '{column}' alone predicts the target with a score of {alone} (a shallow tree, "
    "{folds}-fold cross-validation); a constant answer has {baseline}.",
    "finding.leak.try": "Ask whether this value is known before the target is. If it was made from the target, take it "
    "out of the inputs.",
    "finding.balanced": "A good fit: score {train} on the training rows and {watched} on rows not learned from; a "
    "constant answer has {baseline}.",
    "finding.balanced.try": "Nothing urgent. Confirm it with other seeds before you compare small differences.",
    "finding.high_bias": "High bias: even of the rows it learned from the network leaves {left} of a constant answer's "
    "errors (score {train}); more than {most_left} is much. The gap to other rows is {gap}.",
    "finding.high_bias.try": "Try more units or layers, more epochs, another learning rate, less regularization, or better "
    "inputs. More rows will not help much.",
    "finding.high_variance": "High variance: score {train} on the training rows, {watched} on rows not learned from. The gap "
    "is {gap} of a constant answer's errors; more than {most_gap} is much.",
    "finding.high_variance.try": "Try more rows, regularization, dropout, fewer units, or early stopping.",
    "finding.bias_and_variance": "High bias and high variance: {left} of a constant answer's errors are left even on the training "
    "rows (score {train}), and a gap of {gap} opens to rows not learned from (score {watched}).",
    "finding.bias_and_variance.try": "First let it learn the training rows (more units, more epochs, another learning rate), then "
    "close the gap (more rows, regularization).",
    "finding.more_rows_help": "More rows still help: from {fewer} to {rows} rows the score on rows not learned from rose from "
    "{before} to {watched}.",
    "finding.more_rows_help.try": "Collect more rows, or keep a smaller share of them for testing.",
    "finding.more_rows_idle": "More rows bring little: from {fewer} to {rows} rows the score on rows not learned from went from"
    " {before} to {watched}.",
    "finding.more_rows_idle.try": "Change the network or the inputs before you collect more rows.",
    "finding.capacity_right": "The width is right: with {own} hidden units the score on rows not learned from is {own_score}; "
    "the best is {best_score}, with {best}, and no narrower network is as good.",
    "finding.capacity_right.try": "Keep it.",
    "finding.capacity_smaller": "A narrower network is as good: {enough} hidden units reach {enough_score}, these {own} reach "
    "{own_score}; the best is {best_score}, with {best}.",
    "finding.capacity_smaller.try": "Take {enough} hidden units: fewer weights, learned faster, and easier to read.",
    "finding.capacity_larger": "A wider network is better: {enough} hidden units reach {enough_score}, these {own} only "
    "{own_score}; the best is {best_score}, with {best}.",
    "finding.capacity_larger.try": "Take {enough} hidden units, and look at the gap between training and other rows again.",
    "finding.rare_classes_train": "Rare classes among the training rows: {classes}; the rarest has {fewest} rows. Fewer than "
    "{limit} say little.",
    "finding.rare_classes_train.try": "Collect more rows of them, join them with a similar class, or keep a larger share of training "
    "rows. With balanced class weights (tab Learning) the few there are count as much as the others.",
    "finding.rare_classes_validation": "Rare classes among the validation rows: {classes}; the rarest has {fewest} rows. Fewer than "
    "{limit} say little.",
    "finding.rare_classes_validation.try": "Collect more rows of them, join them with a similar class,"
    " or keep a larger share of validation rows.",
    "finding.duplicates_test": "Duplicates across the split: {count} of {rows} test rows ({share}) have the very same inputs as "
    "a training row; in {same} of them the target is the same too.",
    "finding.duplicates_test.try": "Such rows reward learning by heart. Remove duplicates from the table before it is split, and "
    "check whether several rows come from one source.",
    "finding.duplicates_validation": "Duplicates across the split: {count} of {rows} validation rows ({share}) have the very same "
    "inputs as a training row; in {same} of them the target is the same too.",
    "finding.duplicates_validation.try": "Such rows reward learning by heart. Remove duplicates from the table before it is split, and "
    "check whether several rows come from one source.",
    "finding.rare_classes_test": "Rare classes among the test rows: {classes}; the rarest has {fewest} rows. Fewer than {limit} "
    "say little.",
    "finding.rare_classes_test.try": "Collect more rows of them, join them with a similar class, or keep a larger share of test rows.",
}  # fmt: skip

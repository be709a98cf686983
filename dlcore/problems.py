"""What can go wrong, as one sentence each: where, what was expected, what came, what to do.

A problem travels as its key and values (JSON), so that the page can say it in the reader's language.
"""

from __future__ import annotations

import unicodedata

LONGEST_VALUE = 64

TEMPLATES: dict[str, str] = {
    # The recipe
    "not_json": "The recipe is not valid JSON (line {line}, column {column}): {detail}. Check the file, or export it anew.",
    "too_long": "The recipe has {came} characters; at most {limit} are read. Check that it is the right file.",
    "journal_order": "{path}: expected step {before} or a later one, but got {came}. Put the entries in the order of their steps.",
    "journal_empty": "{path}: expected what was changed there, but it says nothing. Remove the entry.",
    "journal_too_long": "journal: expected at most {limit} characters, but got {came}. Remove entries; weights take most of them.",
    "journal_not_repeated": "The run that this recipe comes from was changed while it learned, the first time at step {step}. These changes"
    " are not repeated: it trains from the start with the settings that the run had last, and gives other numbers.",
    "journal_repeated": "The run that this recipe comes from was changed while it learned. Changes that are made again here: {count}.",
    "journal_repeated_in_part": "The run that this recipe comes from was changed while it learned. Changes that are made again here:"
    " {count}. What was done at step {step} was not kept in full: from there on the numbers may differ from the run's.",
    "journal_other_shape": "{path}: expected {expected} values, but got {came}. Correct the entry, or remove it.",
    "journal_misses_weights": "{path}: expected all weights of the network, but '{name}' is missing. Add it, or remove the entry.",
    "unknown_key": "{path}: unknown key. Remove it or check the spelling.",
    "unknown_kind": "{path}: unknown kind '{came}'. Expected one of: {expected}.",
    "out_of_bounds": "{path}: expected {expected}, but got {came}. Choose a value inside the bounds.",
    "wrong_type": "{path}: expected {expected}, but got {came}. Correct the value.",
    "unknown_version": "version: expected 1, but got {came}. The recipe comes from another version of this program.",
    "features_need_plane": "features: only data with two inputs x1 and x2 have features, but '{dataset}' has {inputs} inputs."
    " Remove the key 'features'.",
    "features_empty": "features: expected at least one input feature, but got none. Switch one on.",
    "features_repeated": "features: '{came}' is named twice. Name each feature once.",
    "loss_needs_classes": "loss: {loss} needs classes, but '{dataset}' has a number as target. Use mse, mae or huber.",
    "loss_needs_two_classes": "loss: {loss} needs exactly two classes, but '{dataset}' has {classes}. Use cross_entropy.",
    "class_weights_need_classes": "class_weights: only classes can be weighted, but '{dataset}' has a number as target. Set it to none.",
    "batch_larger_than_rows": "batch_size: expected at most the {rows} training rows, but got {came}. Make the batch smaller.",
    "too_few_rows": "test_fraction: {test} test rows and {train} training rows are too few for {classes} classes."
    " Take more samples or another share of test rows.",
    "too_few_rows_of_three": "validation_fraction: {test} test, {validation} validation and {train} training rows are too few for"
    " {classes} classes. Take more samples or smaller shares.",
    "validation_of_drawn": "validation_fraction: drawn points are listed by what they are for, so expected 0. Set it to 0 and list"
    " validation points in dataset.validation, or choose other data.",
    "sealed_without_validation": "sealed: without validation rows the test rows are watched while it learns and cannot be sealed."
    " Set validation_fraction above 0, or sealed to false.",
    "too_many_parameters": "layers: the network would have {came} parameters; the limit is {limit}. Use fewer units or layers.",
    "needs_fresh_start": "{path}: this change needs a fresh start of the run.",
    "last_unit": "A layer needs at least one unit. Remove the whole layer instead.",
    "points_need_plane": "Points can be drawn on data with two inputs and classes only. Choose such a data set first.",
    # Links and runs side by side
    "link_broken": "The link is cut short or garbled, so the default run was opened. Copy the whole link once more.",
    "link_version": "The link has version {came}, but this program reads version {expected}. Make it anew from a run.",
    "link_too_long": "A link may hold {limit} characters, but this run needs {came}. Save the recipe as a file instead.",
    "link_rows_not_shared": "This link does not share the rows of '{name}', so it opens on Circle with the settings that fit. Ask for one"
    " that does, or bring the file yourself.",
    "link_rows_withdrawn": "The rows of '{name}' were withdrawn, so this link opens on Circle with the settings that fit. Ask for a new"
    " one, or bring the file yourself.",
    "link_rows_wrong": "The pass in this link does not open the rows of '{name}', so it opens on Circle with the settings that fit. Copy"
    " the whole link once more.",
    "link_rows_gone": "The rows of '{name}' are no longer kept on this server, so this link opens on Circle with the settings that fit."
    " Bring the file yourself.",
    "runs_full": "At most {limit} runs are kept side by side. Remove one on the page Compare first.",
    "drawn_class_empty": "Class {label} has no training point. Keep at least one of it, or draw one.",
    "drawn_few_train": "Drawn data need at least 2 training points, but there would be {came}. Keep or draw some.",
    "drawn_no_test": "Drawn data need at least 1 test point, but there would be none. Keep or draw one.",
    "drawn_no_validation": "Data drawn in three parts need at least 1 validation point, but there would be none. Keep or draw one.",
    "drawn_too_many": "Drawn data may have {limit} points, but there would be {came}. Remove some.",
    "weights_kept": "Kept {kept} of {total} weights and biases; the others were chosen to change little.",
    "weights_kept.same": "Kept {kept} of {total} weights and biases; of the training rows the network says what it said before.",
    "weights_kept.classes": "Kept {kept} of {total} weights and biases. Predicted probabilities of the training rows moved by {mean} on"
    " average, by {most} at most.",
    "weights_kept.numbers": "Kept {kept} of {total} weights and biases. Predictions for the training rows moved by {mean} on average, by"
    " {most} at most.",
    # Training
    "diverged": "Training stopped at step {step}: the loss became {loss}. Most likely the learning rate ({learning_rate}) is too"
    " large. Use a third of it, or clip the gradient.",
    "gpu_memory": "The GPU ({device}) ran out of memory; training goes on on the CPU.",
    "no_device": "device: expected {expected}, but got '{came}'. It is not available on this machine.",
    "out_of_memory": "There is not enough memory for this network and batch. Use fewer units or a smaller batch.",
    # What a hand does to a run
    "bad_weight": "The old weight stays: expected a number such as -0.5, at most 3.4e38 in size, but got '{came}'.",
    "moment_gone": "This moment of the run is no longer kept. Choose another one on the time line.",
    # Runs and their workers
    "bad_speed": "speed: expected a number of updates a second between 1 and {limit}, or nothing, but got {came}.",
    "run_gone": "This run has ended. Reload the page to start a new one.",
    "run_lost": "The process computing this run stopped each time it went on, so the run was given up. Start it anew with a"
    " smaller network or smaller batches.",
    "run_moved": "This run goes on in another process. Try again in a moment.",
    "not_yours": "This run belongs to another browser. Start one of your own, or ask for a link to this one.",
    "class_full": "The class is full: {came} of {limit} runs. Try again in a minute.",
    "session_full": "This browser already has {limit} runs, as many as it may. Close other tabs of this page, or try again in a minute.",
    "visitors_full": "Visitors whose browsers keep no cookies have {limit} runs together, as many as they may. Allow cookies for this"
    " page and reload it, or try again in a minute.",
    # At the door
    "newcomers": "Many new visitors are coming from your network at once. This page opens by itself in {seconds} seconds.",
    "pages_full": "This browser has {limit} pages of the playground open, as many as it may. Close some of them; this page then opens"
    " by itself.",
    "server_full": "This server has {limit} pages of the playground open, as many as it may. This page opens by itself as soon as"
    " somebody leaves.",
    "host_unknown": "This server does not answer to the name '{came}'. Open it under its own name. Whoever runs it can add this one to"
    " server.allowedHosts.",
    "foreign_origin": "A page of another site ({came}) may not change anything here. Open the playground itself.",
    "uploads_full": "The server holds {limit} MB of uploads, as much as it may. Try again in a minute.",
    "uploads_of_session": "This page has {came} MB of uploads on their way; at most {limit} MB may be. Bring fewer files at once.",
    "uploads_many": "{came} files were chosen; at most {limit} can be brought at once. Choose fewer.",
    "upload_not_asked": "No page of this browser has asked for this upload. Choose the file on the page.",
    "upload_stalled": "Nothing came of the upload for {seconds} seconds, so it was given up. Bring the file again.",
    # Workers that are late or lost
    "worker_busy": "The process computing this run did not answer in time. Try again in a moment.",
    "worker_lost": "The process computing this run stopped before it answered. Try again in a moment.",
    "worker_restarted": "The process computing this run stopped and was started again; the run goes on from step {step}.",
    # Jobs at a desk
    "desk_busy": "You have {limit} tasks waiting already. Wait for one of them, or cancel it.",
    "desks_full": "The server has {limit} tasks waiting already. Try again in a minute.",
    "downloads_busy": "You have {limit} files in the making already. Wait for one of them.",
    "downloads_full": "The server has {limit} files in the making already. Try again in a minute.",
    "download_stale": "The page has changed since it was shown. Press once more.",
    "job_too_long": "This took longer than it may and was stopped. Use fewer rows, a smaller network or fewer repeats.",
    "job_lost": "The process working at this stopped before it was done. Try again; if it happens again, use fewer rows.",
    "desk_late": "The server had too much to do to get this done within {limit} s. Try again in a few minutes.",
    "job_gave_way": "The server had no room for all tasks that wait, and several were yours: the last of them was put off. Start it"
    " again in a minute.",
    "job_cancelled": "This was cancelled before it was done. Start it again when you want it.",
    "job_out_of_memory": "There is not enough memory for this. Use fewer rows or columns, or a smaller network.",
    # Many seeds
    "seeds_too_large": "The seeds together would have {came} weights and biases; the limit is {limit}. Choose at most {count} seeds,"
    " or fewer units.",
    "seeds_diverged": "All {count} seeds diverged. Most likely the learning rate ({learning_rate}) is too large: use a third of it.",
    # Checkpoints, files and the command line
    "checkpoint_too_large": "The checkpoint has {size} MB; at most {limit} MB are read. Check that it is the right file.",
    "checkpoint_truncated": "The checkpoint ends too early. Download or copy it again.",
    "checkpoint_pickle": "This is a pickle file, which can hold harmful code and is never opened. Save the model as .safetensors.",
    "checkpoint_foreign": "This file is not a checkpoint of this program. Choose a model.safetensors that it has saved.",
    "checkpoint_header_too_long": "The checkpoint's header has {came} bytes; at most {limit} are read. Choose a model.safetensors"
    " that this program has saved.",
    "checkpoint_too_many_tensors": "The checkpoint has {came} tensors; at most {limit} are read. Choose a model.safetensors that"
    " this program has saved.",
    "checkpoint_metadata": "The checkpoint's {name} do not fit its recipe. Save it anew.",
    "checkpoint_shapes": "Tensor '{name}' of the checkpoint: the recipe says {expected}, the file {came}. Save it anew.",
    "checkpoint_offsets": "The tensors of the checkpoint overlap or leave gaps. Download or copy it again.",
    "checkpoint_not_finite": "Tensor '{name}' of the checkpoint holds values that are not finite numbers. Use an earlier checkpoint.",
    "cannot_read": "{path}: cannot be read ({detail}).",
    "cannot_write": "{path}: cannot be written ({detail}).",
    "no_format": "format: expected one of {expected}, but got '{came}'.",
    "engine_unfit": "engine: 'dense' computes stacks of dense layers on the CPU, which this recipe on {device} is not, or it could"
    " not be compiled here. Choose 'auto' or 'autograd'.",
    "epochs_out_of_bounds": "--epochs: expected a whole number from 0 to {limit}, but got '{came}'.",
    "table_too_large": "{path}: larger than the {limit} MB that are read. Split the table.",
    "table_not_text": "{path}: not a CSV table in UTF-8. Export it as CSV.",
    "table_columns_missing": "{path}: these columns are missing: {expected}. Beside those that fit, the file has: {came}. Name its columns"
    " as the network knows them.",
    "table_column_twice": "{path}: the column '{column}' stands twice. Name each column once.",
    "table_read_text": "Read as text in {encoding}: cells separated by {separator}, {quote} quotation marks, decimal sign {decimal}."
    " Lines above the table: {titles}. Lines of names: {header}.",
    "table_read_excel": "Read as a workbook, sheet '{sheet}': decimal sign {decimal}. Rows above the table: {titles}. Rows of"
    " names: {header}.",
    "table_read_parquet": "Read as Parquet.",
    "table_read_arff": "Read as Weka's format (.arff) in {encoding}.",
    "table_size": "Rows: {rows}. Columns: {columns}.",
    "table_input": "Input '{column}': {kind}. Different values: {distinct}. Missing: {missing}.",
    "table_left_out_kind": "Left out '{column}': {kind} is nothing that a network can be given. Use --types to have it read otherwise.",
    "table_left_out_constant": "Left out '{column}': different values: {distinct}.",
    "table_left_out_asked": "Left out '{column}': it is not among the inputs that were asked for.",
    "table_target_number": "Target '{target}': a number.",
    "table_target_classes": "Target '{target}': {count} classes.",
    "table_class": "Class '{name}': {rows} rows.",
    "table_made": "Rows for the network: {rows}. Columns: {columns}. Inputs of the network: {inputs}.",
    "table_unfit": "{name}: there is no such thing in this file, which is read as {kind}. Leave it out.",
    "table_missing": "--missing: expected NAME=MARK, several marks separated by commas, but got '{came}'.",
    "table_types": "--types: expected NAME=number|category|date|text|id, several separated by commas, but got '{came}'.",
    "table_not_a_number": "{path}, row {row} below the header, column '{column}': expected a finite number, but got '{came}'.",
    "table_out_of_range": "{path}, row {row} below the header: the numbers are too large for the network. Check the units.",
    "predict_too_many_rows": "The file has {came} rows; at most {limit} are predicted at once. Split it.",
    # Tables that people bring
    "upload_too_large": "The file has {came} MB; at most {limit} MB are read. Draw a sample of its rows, or save it as Parquet.",
    "upload_too_long": "Reading this file took more than {limit} s and was stopped. Save fewer of its rows or columns and bring those.",
    "upload_empty": "The file is empty. Choose a file with a table in it.",
    "upload_no_rows": "The table has no rows with values. Choose a file with a table in it.",
    "upload_too_few_rows": "The table has {came} rows; at least {least} are needed to learn from and to test on. Add rows.",
    "upload_one_column": "Only one column was found, but a table needs a target and at least one input. Check the separator of the cells.",
    "upload_too_many_columns": "The table has {came} columns; at most {limit} are read. Remove the columns that are not needed.",
    "upload_too_many_rows": "The table has {came} rows; at most {limit} are read. Draw a sample of its rows.",
    "upload_more_rows": "The table has more than {limit} rows, which are not read to the end. Draw a sample of its rows.",
    "upload_long_line": "The first line is too long for a table, or its quotation marks are never closed. Check the file.",
    "upload_open_quote": "A quotation mark in line {line} is never closed, or its cell is too long. Correct that line.",
    "upload_ragged": "{rows} of the first {of} rows have another number of cells than the rest (the first in line {line}). Check the"
    " separator of the cells.",
    "upload_not_table": "This file is no table but {kind}. Export the table as CSV, Excel (.xlsx) or Parquet.",
    "upload_old_excel": "This is an Excel workbook in a format that is not read here. Save it as .xlsx or CSV.",
    "upload_arff_no_rows": "This .arff file has no '@attribute' or no '@data'. Save it anew from Weka, or export the table as CSV.",
    "upload_arff_attribute": "Line {line}: expected '@attribute', a name, and numeric, string, date or {{values}}, but got '{came}'."
    " Correct the line, or export the table as CSV.",
    "upload_images": "This file holds images or plain arrays, not a table. Bring it among the images: an .npz file, or MNIST's IDX files.",
    "upload_damaged": "The file is damaged or cut short. Save or download it again.",
    "upload_bomb": "The file claims to unpack to far more than a table of its size holds, so it was not opened. Export the table as CSV.",
    "upload_locked": "The workbook is protected by a password. Save it without one.",
    "upload_large_sheet": "The workbook's sheets unpack to {came} MB; at most {limit} MB are read. Save the sheet as CSV or Parquet.",
    "upload_encoding": "The text is not in {encoding}. Choose another encoding, or save the file in UTF-8.",
    "upload_option": "{name}: expected {expected}, but got '{came}'. Choose one of these.",
    "upload_no_column": "The table has no column '{column}'. Choose one of its columns.",
    "upload_no_dates": "The column '{column}' holds no dates that can be read. Write them as 2024-01-31, or choose another type.",
    "upload_no_inputs": "There is no input with values. Choose at least one column to predict from.",
    "upload_target_as_input": "The column '{column}' is the target and cannot be an input too. Remove it from the inputs.",
    "upload_target_empty": "The target '{column}' has no values. Choose another target.",
    "upload_too_few_targets": "The target '{column}' is known in {came} rows; at least {least} are needed. Choose another target.",
    "upload_target_constant": "The target '{column}' has the same value in all rows, so there is nothing to learn. Choose another target.",
    "upload_target_not_numbers": "The target '{column}' holds no numbers. Choose the task of classes, or another target.",
    "upload_too_many_classes": "The target '{column}' has {came} classes; at most {limit} can be told apart. Choose another"
    " target, or predict a number.",
    "upload_one_class": "The target '{column}' has only the class '{value}', so there is nothing to tell apart. Choose another target.",
    "upload_no_two_classes": "The target '{column}' needs two classes with at least two rows each. Choose another target, or"
    " predict a number.",
    # What was found in them
    "found_titles": "Lines above the table that were skipped, as a title or a remark: {lines}.",
    "found_header_lines": "The names of the columns were put together from the first {lines} lines of the table.",
    "found_header_lines_units": "The names of the columns and their units stand in the first {lines} lines of the table; the units were"
    " left out.",
    "found_remarks": "Lines that begin with # and are no rows of the table: {lines}.",
    "found_sheet": "The sheet '{sheet}' was read. The workbook has others: {others}. Choose one of them if it holds the table.",
    "found_formulas": "'{column}' holds formulas: each formula without a stored result counts as missing. Open the workbook in a"
    " spreadsheet program, save it, and bring it again.",
    "found_repeated_names": "Columns of the same name were numbered: {names}.",
    "found_empty_rows": "{rows} empty rows were skipped.",
    "found_sample": "{rows} of {of} rows were drawn at random.",
    "found_ragged": "{rows} rows have not {width} cells like the rest (the first in line {line}): missing cells count as"
    " missing, further ones were cut off.",
    "found_left_out": "The column '{column}' holds {kind}, which a network cannot be given, and was left out.",
    "found_not_numbers": "'{column}' is a column of numbers; cells of it that are none count as missing ({cells}): {words}."
    " If they mean something, read the column as category or text.",
    "found_dressed": "'{column}' was read as numbers without what stands around them: '{text}' is {value}. If it means something"
    " else, read the column as category or text.",
    "found_grouped": "'{column}' was read as numbers with signs between the thousands: '{text}' is {value}.",
    "found_times": "'{column}' was read as times of day, a number of hours: '{text}' is {value}.",
    "found_bounds": "'{column}' says in {cells} cells only that a number lies below or above another, which counts as missing:"
    " {bounds}. Say so if such a cell is to count as the number it names.",
    "found_far_away": "'{column}' is {value} in {cells} cells, far from all its other numbers, which may mean that the value is"
    " missing. It counts as a number; say so if it means missing.",
    "found_maybe_missing": "'{column}' says '{mark}' in {cells} of {of} cells, which may mean that the value is missing. It counts as a"
    " category like the others; say so if it means missing.",
    "found_word_missing": "'{column}' says '{mark}' in {cells} cells, which counts as missing. Say so if it is a category like the"
    " others.",
    "found_near_equal": "'{column}' has categories that differ only in their spelling: {spellings}. They count as different; say so if"
    " they are one.",
    "found_not_dates": "{cells} cells of '{column}' are no dates and count as missing.",
    "found_too_large": "{cells} numbers of '{column}' are infinite or beyond {limit} and count as missing.",
    "found_ambiguous_dates": "The dates of '{column}' do not tell day from month: '{text}' was read as {date}. Write them as 2024-01-31"
    " to be sure.",
    "found_no_target": "'{column}' has no value in {rows} of {of} rows, which will be left out.",
    "found_classes_alone": "Classes of a single row, which cannot be both learned from and tested on, are left out: {names} ({count}).",
    "found_rare_class": "The class '{name}' of '{column}' has only {rows} rows: too few to learn and to judge it well. Add rows,"
    " or join it with another class.",
    "found_leak": "'{column}' alone tells '{target}' ({share}). If it is known only afterwards, remove it from the inputs: the"
    " network would learn nothing else.",
    "found_id_input": "'{column}' is different in almost every row ({distinct} values in {rows} rows), like an id: a network"
    " learns it by heart. Remove it from the inputs.",
    "found_many_categories": "'{column}' has {came} categories; the {limit} most frequent become inputs, the others count as unknown.",
    "found_unknown_categories": "{cells} cells of '{column}' hold categories that the network does not know: {names}. In their rows all"
    " inputs of '{column}' are 0.",
    "found_many_missing": "{share} of '{column}' is missing.",
    "found_text_left_out": "Free text, so not among the inputs: {names} ({count}). Read it as another type to make it an input.",
    "found_id_left_out": "Different in each row, as names of rows are, so not among the inputs: {names} ({count}). Read it as another"
    " type to make it an input.",
    "found_constant": "The same value in all rows, so of no use as an input: {names} ({count}).",
    "found_empty_columns": "Without any value: {names} ({count}).",
    "upload_no_images": "No grey images were found, but arrays of the shapes {came}. Bring images as (rows, height, width) with"
    " their labels.",
    "upload_images_labels": "There are no labels for {rows} images. Bring both files together, or an .npz file with images and labels.",
    "upload_images_size": "The images have {height}x{width} pixels; at most {limit}x{limit} are read. Make them smaller.",
    "upload_images_differ": "The images are not all of one size. Bring those of one size together.",
    "upload_images_classes": "The labels name {came} classes; expected 2 to {limit}, each with at least two of at least 20"
    " images. Check the labels.",
    "upload_too_many_images": "There are {came} images; at most {limit} are read. Bring fewer.",
    "classic_unknown": "There is no classic data set '{came}'. Expected one of: {expected}.",
    "classic_offline": "'{name}' could not be fetched from OpenML: there is no connection ({detail}). Take {neighbour} instead,"
    " which is bundled.",
    "classic_changed": "'{name}' came from OpenML in another form than expected. Take {neighbour} instead, which is bundled.",
    "upload_gone": "The uploaded file is no longer kept here. Upload it again.",
    "table_gone": "The table '{name}' is no longer kept on this server. Upload the file again.",
    "table_not_yours": "The rows of '{name}' are not shared with you. Ask for a link that shares them, or bring the file yourself.",
    "table_withdrawn": "The rows of '{name}' are no longer shared with you. Ask for a new link, or bring the file yourself.",
    "table_differs": "The table '{name}' on this server does not fit this recipe (see '{column}'). Import the file again.",
    "table_name_empty": "A column, a category or a class of the table has no name that can be shown. Give it one.",
    "table_name_twice": "dataset: '{came}' is named twice. Give each column, category and class its own name.",
    "table_target_seen": "dataset.columns: '{came}' is the target; a network that sees it has nothing to learn. Take it out of the inputs.",
    "table_one_class": "dataset.classes: all rows of the target '{target}' are '{came}'. Choose a target with two classes or more.",
    "table_too_wide": "dataset: {rows} rows may have {limit} inputs, but these columns make {inputs}. Take fewer rows, columns or"
    " categories.",
    "table_long_names": "dataset: the names of columns, categories and classes have {came} characters in all; at most {limit} fit"
    " into a recipe. Take fewer columns, or numbers in the place of categories.",
    "table_out_of_scale": "The numbers of '{column}' lie too far apart for the network. Check their units, or scale them before.",
    "pictures_too_many": "dataset: {came} pictures of {height} x {width} pixels are too many; at most {limit} can be used.",
    "store_too_small": "The table needs {came} MB, but this server keeps at most {limit} MB of tables. Take fewer rows or columns.",
    "store_full": "The table could not be kept on disk ({detail}). Free some space and try again.",
    "store_no_room": "There is no room for {came} MB: the tables kept on this server are in use, or belong to people who keep less than"
    " you. Bring a smaller file, or remove what you have in hand on the page Data.",
    "store_share": "One person may keep {limit} MB on this server; with {came} MB more you would pass that, and what you keep is in use."
    " Remove a table on the page Data, or choose other data for a run that uses one.",
    "store_busy": "The tables on this server are just being changed. Try again in a moment.",
    # An honest look at the result
    "no_split": "split: expected one of {expected}, but got '{came}'.",
    "test_sealed": "The test rows are sealed, so they were not scored. Break the seal on the page Evaluate when the recipe is final.",
    "no_class": "Class {came} is not there: expected a number from 0 to below {limit}.",
    "capacity_no_layers": "The network has no hidden layer, so there is no width to change. Add one first.",
    "growth_too_slow": "Not one training of {epochs} epochs was done within {limit} s. Ask for fewer epochs, or for a smaller network.",
    "predictions_not_finite": "The network's answers are too large to be numbers, so nothing can be scored. Reset it, or train with a"
    " smaller learning rate.",
    "subset_column": "There is no column '{came}' to choose rows by. Choose another one.",
    "subset_value": "Rows cannot be chosen by '{came}', which this column does not know. Choose another value.",
    "subset_empty": "No row fits this choice. Widen it.",
    "subset_needs_classes": "Only classes can be right or wrong, but the target is a number. Choose rows by a column.",
    "whatif_start": "start: expected one of {expected}, but got '{came}'.",
    "whatif_place": "There are {limit} such rows, but number {came} was asked for. Choose one of them.",
    "whatif_none_wrong": "The network gets none of these rows wrong. Choose another row.",
    "whatif_value": "The column '{column}' cannot be '{came}'. Choose another value.",
    "whatif_out_of_range": "These values are too large for the network. Move them back.",
    "flip_toward": "toward: expected one of {expected}, but got '{came}'.",
    "flip_amount": "amount: expected a number other than 0, but got '{came}'.",
    "bad_setting": "{name}: expected {expected}, but got '{came}'. Correct the environment variable.",
    "no_ray": "DLCORE_RUNS asks for a Ray cluster ({came}), but Ray is not installed. Run pip install -r requirements-ray.txt.",
    "internal": "Something went wrong inside the program; the run was kept as it was. The server's log has the details.",
}


def clean(text: str) -> str:
    """Untrusted text, safe to show: no control or bidirectional marks, at most 64 characters."""
    shown = text
    if not text.isprintable():
        shown = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return shown if len(shown) <= LONGEST_VALUE else shown[: LONGEST_VALUE - 1] + "…"


class Problem(ValueError):
    """One clear sentence about bad input or a failed run; `key` names it, `values` fill its places."""

    def __init__(self, key: str, **values: str | int | float) -> None:
        self.key = key
        self.values = {name: _shown(name, value) for name, value in values.items()}
        super().__init__(TEMPLATES[key].format(**self.values))

    def to_dict(self) -> dict[str, object]:
        """The form that travels: {"key", "values"}."""
        return {"key": self.key, "values": self.values}

    def __reduce__(self):
        return _rebuild, (self.key, self.values)


def _rebuild(key: str, values: dict[str, str | int | float]) -> Problem:
    return Problem(key, **values)


def _shown(name: str, value: str | int | float) -> str | int | float:
    # "expected" is our own text (lists of kinds); all else may hold what a stranger typed.
    return clean(value) if isinstance(value, str) and name not in ("expected", "detail") else value

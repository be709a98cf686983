// The TensorFlow Playground's engine (src/nn.ts of its repository, whose path is the first argument; Node leaves out the types), trained as
// its page does. The second argument is a JSON of widths, batch, rate, train and test: rows of inputs and a target of -1 or 1.
// Each line of the input, "steps" or "scored" and a number of epochs, is answered with the seconds that they took.

import {readFileSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {pathToFileURL} from 'node:url';

const nn = await import(pathToFileURL(process.argv[2]).href);
const {widths, batch, rate, train, test} = JSON.parse(readFileSync(process.argv[3], 'utf8'));
const {TANH} = nn.Activations;
const network = nn.buildNetwork(widths, TANH, TANH, null, widths.slice(0, 1).flatMap((count) => Array.from({length: count}, (_, at) => `x${at}`)));

function loss(rows) {
    let total = 0;
    for (const {inputs, target} of rows) total += nn.Errors.SQUARE.error(nn.forwardProp(network, inputs), target);
    return total / rows.length;
}

function epoch() {
    train.forEach(({inputs, target}, at) => {
        nn.forwardProp(network, inputs);
        nn.backProp(network, target, nn.Errors.SQUARE);
        if ((at + 1) % batch === 0) nn.updateWeights(network, rate, 0);
    });
}

let scores = 0; // Used, so that no compiler leaves out what makes them.
for await (const line of createInterface({input: process.stdin})) {
    const [way, epochs] = line.split(' ');
    const begin = performance.now();
    for (let count = 0; count < Number(epochs); count++) {
        epoch();
        if (way === 'scored') scores += loss(train) + loss(test);
    }
    console.log((performance.now() - begin) / 1000, scores);
}

/**
 * How V8 compiles this program, set before any of it is hot: functions are inlined less. The model is many functions of
 * one size that all call each other; with V8's own limit it spends as long compiling as it computes. And what has lived
 * for a while, such as hosts that wait for their turn, says nothing of what is made later at the same place: worlds are
 * made young, always, since an old one that nobody holds keeps all that it points to until the next full collection.
 * Each thread collects its young ones alone: there are few of them at a time, and the cores have other threads to run.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--max-inlined-bytecode-size-cumulative=120');
setFlagsFromString('--no-allocation-site-pretenuring');
setFlagsFromString('--no-parallel-scavenge');

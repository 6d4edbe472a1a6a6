/**
 * How V8 compiles this program, set before any of it is hot: functions are inlined less. The model is many functions of
 * one size that all call each other; with V8's own limit it spends as long compiling as it computes.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--max-inlined-bytecode-size-cumulative=200');

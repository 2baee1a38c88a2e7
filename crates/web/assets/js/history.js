// @ts-check
/** The history of runs. */

import { prepareShell } from './page/shell.js';

prepareShell();

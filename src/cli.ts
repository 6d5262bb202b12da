#!/usr/bin/env node
import 'reflect-metadata';
import { commandLine } from './app/command-line.js';

await commandLine(process.argv.slice(2), process.env);

#!/usr/bin/env node
const x: string = "hi"
console.log(x, process.version)

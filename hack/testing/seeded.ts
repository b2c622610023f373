/** Property tests draw the same cases in every run: a red test stays red, and a green one says the same everywhere. */
import fc from 'fast-check'

fc.configureGlobal({ seed: 20_220_404 })

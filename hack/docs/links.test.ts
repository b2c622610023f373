/** Links between the pages of this repository lead somewhere: to a file, and to a heading where one is named. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = globSync(['README.md', 'docs/**/*.md', 'charts/*/README.md'], { cwd: root }).sort()

/** Names of headings as links use them. */
const anchors = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

/** Targets that are no addresses. */
const links = (text: string): readonly string[] =>
  [...text.matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter(target => !/^[a-z]+:/.test(target))

describe('links in the docs', () => {
  it('are found', () => expect(pages).to.include.members(['README.md', 'docs/runbooks/README.md']))

  for (const page of pages)
    it(`of ${page} lead somewhere`, () => {
      const text = readFileSync(join(root, page), 'utf8')
      const broken = links(text).filter(target => {
        const [file = '', anchor] = target.split('#')
        const path = file === '' ? page : normalize(join(dirname(page), file))
        if (!existsSync(join(root, path))) return true
        return anchor !== undefined && !anchors(readFileSync(join(root, path), 'utf8')).includes(anchor)
      })
      expect(broken).to.deep.equal([])
    })
})

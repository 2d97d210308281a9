// Stories in a real browser against a demo portal of its own: what a person sees, clicks and reads.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const shots = process.env.SHOTS
const data = await mkdtemp(join(tmpdir(), 'groundcrew-'))
const listen = `127.0.0.1:${20000 + Math.floor(Math.random() * 20000)}`
const url = `http://${listen}`
const portal = spawn(process.env.GROUNDCREW, ['serve', '--demo', '--listen', listen, '--data', data], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, RUST_LOG: 'warn' } })
const ended = new Promise((done) => portal.on('exit', done))
let passed = 0
let failed = 0

function is(good, words) {
  if (!good) throw new Error(words)
}

async function up() {
  for (let i = 0; i < 300; i++) {
    try {
      if ((await fetch(`${url}/healthz`)).ok) return
    } catch {}
    await new Promise((r) => setTimeout(r, 100))
  }
  throw new Error('the portal did not come up')
}

async function story(name, browser, options, tell) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  const broken = []
  page.on('pageerror', (e) => broken.push(`script: ${e.message}`))
  page.on('console', (m) => m.type() === 'error' && broken.push(`console: ${m.text()} ${m.location().url}`))
  page.on('dialog', (d) => (broken.push(`a dialog opened: ${d.message()}`), d.dismiss()))
  try {
    await tell(page)
    is(broken.length === 0, broken.join('\n'))
    passed++
    console.log(`ok      ${name}`)
  } catch (e) {
    failed++
    console.log(`FAILED  ${name}\n        ${String(e.message).replaceAll('\n', '\n        ')}`)
    if (shots) await page.screenshot({ path: join(shots, `failed-${failed}.png`) })
  } finally {
    await context.close()
  }
}

const signIn = async (page, who) => {
  await page.goto(`${url}/login`)
  await page.locator(`form[action="/demo/sign-in"]:has(input[name=who][value=${who}]) button, form[action="/demo/sign-in"] button[name=who][value=${who}]`).first().click()
  await page.waitForLoadState('networkidle')
}

/** Pictures of each role's pages in one theme, for whoever wants to look. */
async function shoot(browser, theme) {
  const look = { viewport: theme === 'phone' ? { width: 390, height: 844 } : { width: 1280, height: 900 }, colorScheme: theme === 'dark' ? 'dark' : 'light' }
  const first = (page, selector) => page.locator(selector).first().getAttribute('href')
  const pages = {
    visitor: { login: '/login', syllabus: '/syllabus', rules: '/rules' },
    student: { home: '/', week: '/weeks/9', lab: '/labs/chat-in-a-quota', quiz: '/labs/quiz-09', skills: '/skills', submissions: '/submissions', report: (page) => first(page, 'tbody a[href^="/submissions/"]'), account: '/account' },
    instructor: { queue: '/review', review: (page) => first(page, 'tr[data-row] a'), cohorts: '/cohorts', cohort: (page) => first(page, 'main a[href^="/cohorts/"]'), gradebook: async (page) => `${new URL(page.url()).pathname}/gradebook` },
    admin: { admin: '/admin', people: '/admin/people', jobs: '/admin/jobs', audit: '/admin/audit', settings: '/admin/settings' },
  }
  for (const [who, list] of Object.entries(pages)) {
    const context = await browser.newContext(look)
    const page = await context.newPage()
    if (who !== 'visitor') await signIn(page, who)
    for (const [name, where] of Object.entries(list)) {
      await page.goto(url + (typeof where === 'string' ? where : await where(page)))
      await page.screenshot({ path: join(shots, `${name}-${theme}.png`), fullPage: theme === 'phone' })
    }
    await context.close()
  }
}

try {
  await up()
  if (shots) await mkdir(shots, { recursive: true })
  const browser = await chromium.launch({
    executablePath: process.env.BROWSER,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })

  await story('a visitor signs in as student with one click and reads what to do next', browser, {}, async (page) => {
    await signIn(page, 'student')
    is((await page.locator('h2', { hasText: 'What to do next' }).count()) === 1, 'no list of what to do next')
    is((await page.locator('.strip li').count()) === 16, 'not sixteen weeks')
  })

  let report
  await story('the broken sample is handed in with one click and four faults are read with line and fix', browser, {}, async (page) => {
    await signIn(page, 'student')
    await page.goto(`${url}/labs/chat-in-a-quota`)
    await page.getByRole('button', { name: /broken sample/i }).click()
    await page.waitForSelector('.finding', { timeout: 15000 })
    const text = await page.locator('main').innerText()
    for (const words of ['imagePullPolicy', 'whole number', 'cpu', 'deployment.yaml:8:13']) is(text.includes(words), `the report doesn't say ${words}:\n${text.slice(0, 1500)}`)
    is((await page.locator('tr.caret').count()) >= 4, 'fewer than four carets')
    report = page.url()
  })

  await story('a report stands beside its file: a place leads to its line, a filter leaves what is to fix, a phone shows excerpts', browser, {}, async (page) => {
    await page.setViewportSize({ width: 1360, height: 900 })
    await signIn(page, 'student')
    await page.goto(report)
    const line = page.locator('[id="deployment.yaml:8"]')
    is(await line.isVisible(), 'the file does not stand beside its findings')
    await page.locator('.finding .where a', { hasText: 'deployment.yaml:8:13' }).click()
    is(page.url().endsWith('#deployment.yaml:8') && (await line.evaluate((row) => row.matches(':target'))), 'the place does not lead to its line')
    const visible = () => page.locator('.finding:visible').count()
    const all = await visible()
    await page.getByText(/^To fix \d+$/).click()
    const failed = await page.locator('.finding[data-outcome="failed"]').count()
    is(failed > 0 && failed < all && (await visible()) === failed, `the filter shows ${await visible()} of ${all}, not ${failed}`)
    await page.setViewportSize({ width: 390, height: 844 })
    await page.goto(page.url().split('#')[0])
    is(!(await line.isVisible()) && (await page.locator('.excerpt:visible').count()) > 0, 'a phone shows the file, or no excerpt')
  })

  await story('files typed into the editor are handed in and graded without JavaScript too', browser, { javaScriptEnabled: false }, async (page) => {
    await signIn(page, 'student')
    await page.goto(`${url}/labs/rollouts-and-probes`)
    await page.getByRole('button', { name: 'Hand in', exact: true }).click()
    is(page.url().includes('/submissions/'), `ended at ${page.url()}: ${(await page.locator('main').innerText()).slice(0, 400)}`)
    for (let i = 0; i < 40 && (await page.locator('.finding').count()) === 0; i++) {
      await page.waitForTimeout(300)
      await page.reload()
    }
    is((await page.locator('.finding').count()) > 0, 'no report after a dozen reloads')
  })

  await story('scripts in handed-in files run nowhere', browser, {}, async (page) => {
    await signIn(page, 'student')
    await page.goto(`${url}/labs/three-tier-app`)
    const evil = `<script>alert(1)</script><svg onload=alert(2)>: "<img src=x onerror=alert(3)>"\n`
    await page.locator('input[type=file]').setInputFiles({ name: 'evil.yaml', mimeType: 'text/html', buffer: Buffer.from(evil) })
    await page.getByRole('button', { name: 'Hand in', exact: true }).click()
    await page.waitForSelector('.ring, .finding', { timeout: 15000 })
    const link = await page.locator('a[href*="/files/"]').first().getAttribute('href')
    const file = await page.request.get(url + link)
    is(file.headers()['content-disposition']?.startsWith('attachment'), 'a file is shown, not saved')
    is(file.headers()['content-security-policy']?.includes('sandbox'), 'a file is served without a sandbox')
    const [download] = await Promise.all([page.waitForEvent('download'), page.goto(url + link).catch(() => {})])
    is(download.suggestedFilename() === 'evil.yaml', 'opening a file does not save it')
  })

  await story('an instructor reviews by keyboard', browser, {}, async (page) => {
    await signIn(page, 'instructor')
    await page.goto(`${url}/review`)
    is((await page.locator('tr[data-row]').count()) > 0, 'nothing waits for a review')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/review\/.+/)
    await page.keyboard.press('c')
    await page.keyboard.type('Clear. I would merge this.')
    await page.keyboard.press('Escape')
    await page.locator('button[value=accept]').click()
    await page.waitForLoadState('networkidle')
    is((await page.locator('.flash').innerText()).includes('accepted'), 'it does not say accepted')
  })

  await story('an admin looks at cohorts, people, jobs, the audit log and settings', browser, {}, async (page) => {
    await signIn(page, 'admin')
    for (const path of ['/admin', '/admin/cohorts', '/admin/people', '/admin/jobs', '/admin/audit', '/admin/settings', '/cohorts']) {
      const reply = await page.goto(url + path)
      is(reply.status() === 200, `${path} answers ${reply.status()}`)
    }
  })

  await story('no page is wider than a phone', browser, { viewport: { width: 390, height: 844 } }, async (page) => {
    await signIn(page, 'student')
    for (const path of ['/', '/weeks', '/weeks/9', '/labs/chat-in-a-quota', '/skills', '/submissions', '/account', '/syllabus', '/rules']) {
      await page.goto(url + path)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      is(wide <= 0, `${path} is ${wide} px too wide`)
    }
  })

  if (shots) for (const theme of ['light', 'dark', 'phone']) await shoot(browser, theme)
  await browser.close()
} finally {
  portal.kill('SIGTERM')
  await ended
  await rm(data, { recursive: true, force: true })
}
console.log(`${passed} stories passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

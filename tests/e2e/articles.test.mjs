// A published notice becomes an article of the account: once, whatever fails on the way; and where the account may
// not publish, the administrators are told what to do.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Client } from './client.mjs'
import { crowd, invite } from './people.mjs'
import { secondServer, server, sql, startAgain, stop, until } from './system.mjs'

const client = new Client()
const COVER = '/cgi-bin/material/add_material'
const DRAFT = '/cgi-bin/draft/add'
const SUBMIT = '/cgi-bin/freepublish/submit'
const ASK = '/cgi-bin/freepublish/get'
const STEPS = [COVER, DRAFT, SUBMIT, ASK]
const JOB_MS = 300
let members, admin

before(async () => {
  members = crowd(4).map((one) => one.member)
  // The demonstration's own notice first, and what a broken run of this has left.
  await client.clear('api-fault')
  quarterOfAnHour()
  await until(async () => { hasten(); return sql(`select 'x' from gulou.article where state in ('cover', 'draft', 'submitted')`).length === 0 }, 30, 'older articles have ended')
  admin = client.person()
  await admin.say(`绑定 ${invite('administrator')}`)
})
beforeEach(async () => {
  await client.clear('api-fault')
  await client.clear('api-log')
  await client.post('/sim/switch', { reset: true, switches: { job_ms: JOB_MS } })
  await admin.say('积分')
})
after(async () => {
  await client.clear('api-fault')
  await client.post('/sim/switch', { reset: true })
  await stop('server', 'SIGTERM') // what it learnt of the account's rights was not true
  startAgain()
})

// Services of our members, approved, listed and published by two administrators, in a quarter that nobody else uses.
const publishSql = (lines) => `
  create function pg_temp.publish() returns int language plpgsql as $$
  declare
    v_members int[] := array[${members}];
    v_nos bigint[];
    v_period text;
    v_id int;
  begin
    select array_agg((gulou.declare_for('demo', v_members[1 + n % 4], 'test', '40', 60, null, null, 1, null, null, null, '夜间<巡逻>' || n, null, null) ->> 'no')::bigint)
    into v_nos from generate_series(1, ${lines}) as n;
    perform gulou.approve_many('demo', 901, 'test', v_nos);
    select (2031 + n / 4) || '-Q' || (1 + n % 4) into v_period from generate_series(0, 250) as n
    where not exists (select from gulou.announcement where account_id = 'demo' and period = (2031 + n / 4) || '-Q' || (1 + n % 4)) order by n limit 1;
    select max(announcement_id) + 1 into v_id from gulou.announcement where account_id = 'demo';
    insert into gulou.announcement (account_id, announcement_id, period, title, status, window_days, frozen_at, members, entries, points, root)
    select 'demo', v_id, v_period, replace(v_period, '-Q', ' 年第 ') || ' 季度积分公示', 'frozen', 5, gulou.now_(), 4, ${lines}, sum(counted), sha256('')
    from gulou.declaration where account_id = 'demo' and no = any (v_nos);
    perform gulou.fix_names('demo', v_id, v_members);
    insert into gulou.announcement_line
    select 'demo', v_id, no, (row_number() over (order by no))::int - 1, member_id, unit, '义务巡逻', counted, gulou.local_day(reviewed_at), digest,
      concat_ws('|', no, unit, '义务巡逻', counted, gulou.local_day(reviewed_at), digest)
    from (select d.*, o.name as unit, encode(sha256(convert_to(n.name_salt || n.shown_name, 'UTF8')), 'hex') as digest
          from gulou.declaration d join gulou.org o using (account_id, org_id)
          join gulou.announcement_name n on n.account_id = d.account_id and n.announcement_id = v_id and n.member_id = d.member_id
          where d.account_id = 'demo' and d.no = any (v_nos)) as listed;
    update gulou.announcement set root = gulou.merkle_root(gulou.line_hashes('demo', v_id)) where account_id = 'demo' and announcement_id = v_id;
    insert into gulou.announcement_line_event
    select 'demo', v_id, no, 1, null, 'listed', 907, null, gulou.now_(), 'test' from gulou.announcement_line
    where account_id = 'demo' and announcement_id = v_id;
    perform gulou.note_announcement('demo', v_id, null, 'frozen', 906, 907, 'test');
    perform gulou.publish('demo', v_period, 907, 906, 'test');
    return v_id;
  end $$;
  select pg_temp.publish()`
const publish = (lines = 3) => Number(sql(publishSql(lines)).at(-1)[0])

const articleOf = (notice) => {
  const [[state, begun, url, why]] = sql(`select state, begun, url, why from gulou.article where account_id = 'demo' and announcement_id = ${notice}`)
  return { state, begun, url, why }
}
const attemptsOf = (notice) => Number(sql(`select attempts from gulou.outbox where account_id = 'demo' and kind = 'article' and subject = '${notice}'`)[0][0])
const hasten = () => sql(`update gulou.outbox set due_at = clock_timestamp() where status = 'waiting' and taken_till is null`)
const quarterOfAnHour = () => sql(`update gulou.article set begun_at = begun_at - interval '15 minutes' where begun = 'submit'`)

async function becomes(notice, state) {
  await until(async () => {
    hasten()
    return articleOf(notice).state === state
  }, 40, `notice ${notice} is ${state}`).catch((error) => { throw new Error(`${error.message}; it is ${JSON.stringify(articleOf(notice))}`) })
  return articleOf(notice)
}

// How often the platform did what a call asked for, whether or not we got to know.
const done = async (path) => (await client.apiCalls(path)).filter((one) => one.answer && !one.answer.errcode).length
const asked = async (path) => (await client.apiCalls(path)).length
const told = async (words) => (await admin.received()).some((one) => one.text?.includes(words))
const titleOf = (notice) => sql(`select title from gulou.announcement where account_id = 'demo' and announcement_id = ${notice}`)[0][0]

async function assertPublishedOnce(notice) {
  const { url } = await becomes(notice, 'published')
  assert.match(await (await fetch(url)).text(), new RegExp(titleOf(notice)))
  assert.equal(await done(SUBMIT), 1, 'submitted once')
  assert.equal(await done(DRAFT), 1, 'one draft')
}

test('cover, draft, publication, and the administrators hear of it', async () => {
  const notice = publish()
  const { url } = await becomes(notice, 'published')
  const page = await (await fetch(url)).text()
  assert.match(page, /测\*+员/)
  assert.doesNotMatch(page, /测试\d员/)
  assert.match(page, /义务巡逻/)
  assert.ok(page.includes(titleOf(notice)))
  const [{ body: { articles: [article] } }] = await client.apiCalls(DRAFT)
  assert.equal(article.content_source_url, `${server}/demo/notices/${notice}`)
  assert.equal((await fetch(article.content_source_url)).status, 200)
  assert.match(article.digest, /共4人、3条服务/)
  for (const path of [COVER, DRAFT, SUBMIT]) assert.equal(await asked(path), 1, path)
  await until(() => told(`${titleOf(notice)}已发表为公众号文章`), 20, 'the administrator hears of it')
  assert.ok((await admin.received()).at(-1).text.includes(url))
})

test('a list that is too long is told in few words, with the way to it', async () => {
  await becomes(publish(400), 'published')
  const [{ body: { articles: [article] } }] = await client.apiCalls(DRAFT)
  assert.doesNotMatch(article.content, /<table/)
  assert.match(article.content, /阅读原文/)
})

test('the event never comes: the platform is asked', async () => {
  await client.switch({ publish_event: false })
  await assertPublishedOnce(publish())
  assert.ok(await asked(ASK) >= 1)
})

describe('a fault on the way', () => {
  for (const path of STEPS) {
    for (const fault of ['drop-before', 'drop-after', 'half-body', 'http-502', -1, 45009]) {
      test(`${path} ${fault}: published once`, async () => {
        await client.apiFault(path, fault)
        if (path === ASK) await client.switch({ publish_event: false })
        const notice = publish()
        if (path === SUBMIT && ['drop-before', 'http-502', -1].includes(fault)) {
          // Nothing was submitted, but that shows only after a while.
          await until(async () => { hasten(); return articleOf(notice).begun === 'submit' && attemptsOf(notice) >= 3 }, 20, 'it has looked')
          assert.equal(await asked(SUBMIT), 1, 'not again at once')
          quarterOfAnHour()
        }
        await assertPublishedOnce(notice)
        assert.ok(await asked(SUBMIT) <= 2 && await asked(DRAFT) <= 2 && await asked(COVER) <= 2, 'no loop')
      })
    }
  }

  test('a submission whose answer is lost while the platform takes its time: published once', async () => {
    await client.switch({ job_ms: 3000 })
    await client.apiFault(SUBMIT, 'drop-after')
    await assertPublishedOnce(publish())
    assert.equal(await asked(SUBMIT), 1)
  })

  test('a submission that hangs: published once', async () => {
    await client.apiFault(SUBMIT, 'hang')
    const notice = publish()
    await until(async () => { hasten(); return attemptsOf(notice) >= 2 }, 30, 'the call is given up')
    quarterOfAnHour()
    await assertPublishedOnce(notice)
  })
})

describe('killed in the middle of a call', () => {
  // hang-after: the platform has done it, and nobody will ever hear the answer.
  for (const [path, fault] of [...STEPS.map((one) => [one, 'hang']), ...STEPS.map((one) => [one, 'hang-after'])]) {
    test(`${path} ${fault}: the next server goes on, published once`, async () => {
      await client.apiFault(path, fault)
      if (path === ASK) await client.switch({ publish_event: false })
      const notice = publish()
      await until(async () => { hasten(); return await asked(path) > 0 }, 20, 'the call is under way')
      await stop('server', 'SIGKILL')
      startAgain()
      sql(`update gulou.outbox set taken_till = null where status = 'waiting'`) // the dead one's five minutes
      if (path === SUBMIT && fault === 'hang') quarterOfAnHour()
      await assertPublishedOnce(notice)
    })
  }
})

describe('an account that may not publish', () => {
  async function left(notice, state, ...words) {
    await becomes(notice, state)
    for (const one of [titleOf(notice), ...words]) await until(() => told(one), 20, `the administrator hears 「${one}」`)
    assert.equal(await done(DRAFT), 1, 'the draft is there')
  }

  test('a draft that needs a person stays in the drafts', async () => {
    await client.switch({ publishing: 53503 })
    await left(publish(), 'left', '微信要求先在后台保存草稿', '草稿箱')
  })

  test('what the platform refuses to publish', async () => {
    await client.switch({ publish_status: 4 })
    await left(publish(), 'failed', '内容审核没有通过', '草稿箱')
  })

  test('no permission', async () => {
    await client.switch({ publishing: 'withdrawn' })
    await left(publish(), 'left', '没有用程序发表的权限', '草稿箱')
  })

  test('an unverified account calls nothing; the next reply tells', async () => {
    await stop('server', 'SIGTERM')
    const own = await secondServer(Number(new URL(server).port), undefined, { GULOU_ACCOUNT_DEMO_VERIFIED: 'false' })
    try {
      await client.clear('api-log')
      const notice = publish()
      await becomes(notice, 'left')
      for (const path of STEPS) assert.equal(await asked(path), 0, path)
      await until(async () => (await admin.say('积分')).includes(`${titleOf(notice)}没有自动发表成文章：公众号未认证`), 20, 'the reply tells')
    } finally {
      await own.stop()
      startAgain()
    }
  })
})

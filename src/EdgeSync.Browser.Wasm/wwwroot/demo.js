// A small page over edgesync.js: opens a repository (clones it for the first time), shows its timeline, commits one file;
// of a repository of messages, it shows threads, and answers.
import { clone, newAgent } from './edgesync.js';

const field = id => document.getElementById(id);
const show = text => { field('status').textContent = text; };
let agent;
let notify;
let shown;   // the thread that is open

async function refresh() {
  const { connected, state, unsent } = await agent.status();
  show(`${connected ? 'Connected' : 'Offline'}, ${state}${unsent ? `, ${unsent} artifacts to send` : ''}.`);
  field('timeline').replaceChildren(...(await agent.timeline({ limit: 20 })).map(entry => {
    const item = document.createElement('li');
    const hash = document.createElement('code');
    hash.textContent = entry.hash.slice(0, 10);
    item.append(`${new Date(entry.date).toLocaleString()} ${entry.comment} (${entry.user}, ${entry.branch}) `, hash);
    return item;
  }));
}

async function guarded(action) {
  try {
    await action();
  } catch (error) {
    show(error.hint ? `${error.message}: ${error.hint}` : error.message);
  }
}

function attempt(form, action) {
  form.addEventListener('submit', event => {
    event.preventDefault();
    guarded(action);
  });
}

function button(text, action) {
  const made = document.createElement('button');
  made.textContent = text;
  made.addEventListener('click', () => guarded(action));
  return made;
}

function entry(...parts) {
  const item = document.createElement('li');
  item.append(...parts);
  return item;
}

async function refreshMessages() {
  const messages = shown ? await notify.thread(shown) : [];
  if (messages.length) await notify.markRead(...messages.map(message => message.id));
  field('thread').replaceChildren(...messages.map(message => entry(
    `${new Date(message.date).toLocaleString()} ${message.fromName || message.from}: ${message.body} `,
    ...message.actions.map(action => button(action.label, () => notify.act(message.id, action.id))))));
  field('threads').replaceChildren(...(await notify.threads({ inbox: true, limit: 20 })).map(thread => entry(
    button(thread.lastMessage, async () => {
      shown = thread.thread;
      await refreshMessages();
    }),
    `${thread.project}, ${thread.messageCount} messages${thread.unread ? `, ${thread.unread} unread` : ''}`)));
}

attempt(field('open'), async () => {
  const options = { repoPath: field('repoPath').value, natsUrl: field('natsUrl').value, user: field('user').value || undefined,
    password: field('password').value || undefined };
  const projectCode = field('projectCode').value.trim();
  const isNotify = field('notify').checked;
  await agent?.close();
  agent = notify = shown = undefined;
  try {
    agent = await newAgent(options);
  } catch (error) {
    if (error.code !== 'not_found' || !projectCode) throw error;
    show('Cloning …');
    await clone({ ...options, projectCode, notify: isNotify, onProgress: p => show(`Cloning: ${p.artifacts} artifacts`) });
    agent = await newAgent(options);
  }
  for (const type of ['link', 'synced', 'failed']) agent.addEventListener(type, refresh);
  if (isNotify) {
    notify = await agent.openNotify({ from: field('user').value || undefined });
    notify.addEventListener('message', () => guarded(refreshMessages));
    await refreshMessages();
  }
  await agent.start();
  field('commit').hidden = isNotify;
  field('messages').hidden = !isNotify;
  await refresh();
});

attempt(field('commit'), async () => {
  await agent.commit({ files: { [field('file').value]: field('content').value }, comment: field('comment').value,
    user: field('user').value || 'page' });
  field('comment').value = '';
  await refresh();
});

attempt(field('say'), async () => {
  const body = field('body').value;
  if (shown) await notify.reply(shown, body);
  else shown = (await notify.send(body, { project: field('project').value || undefined })).thread;
  field('body').value = '';
  await refreshMessages();
});

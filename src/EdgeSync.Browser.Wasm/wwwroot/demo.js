// A small page over edgesync.js: opens a repository (clones it for the first time), shows its timeline, commits one file.
import { clone, newAgent } from './edgesync.js';

const field = id => document.getElementById(id);
const show = text => { field('status').textContent = text; };
let agent;

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

function attempt(form, action) {
  form.addEventListener('submit', async event => {
    event.preventDefault();
    try {
      await action();
    } catch (error) {
      show(error.hint ? `${error.message}: ${error.hint}` : error.message);
    }
  });
}

attempt(field('open'), async () => {
  const options = { repoPath: field('repoPath').value, natsUrl: field('natsUrl').value, user: field('user').value || undefined,
    password: field('password').value || undefined };
  const projectCode = field('projectCode').value.trim();
  await agent?.close();
  agent = undefined;
  try {
    agent = await newAgent(options);
  } catch (error) {
    if (error.code !== 'not_found' || !projectCode) throw error;
    show('Cloning …');
    await clone({ ...options, projectCode, onProgress: p => show(`Cloning: ${p.artifacts} artifacts`) });
    agent = await newAgent(options);
  }
  for (const type of ['link', 'synced', 'failed']) agent.addEventListener(type, refresh);
  await agent.start();
  field('commit').hidden = false;
  await refresh();
});

attempt(field('commit'), async () => {
  await agent.commit({ files: { [field('file').value]: field('content').value }, comment: field('comment').value,
    user: field('user').value || 'page' });
  field('comment').value = '';
  await refresh();
});

// A leaf in a web page. Everything runs in a worker; this module sends it requests. Types and comments: edgesync.d.ts.

export class EdgeSyncError extends Error {
  constructor({ code, message, hint }) {
    super(message);
    this.name = 'EdgeSyncError';
    this.code = code;
    this.hint = hint;
  }
}

class Repository extends EventTarget {
  #worker = new Worker(new URL('./edgesync-worker.js', import.meta.url), { type: 'module' });
  #waiting = new Map();
  #last = 0;

  constructor() {
    super();
    this.#worker.onmessage = ({ data }) => {
      if (data.event) {
        this.dispatchEvent(new CustomEvent(data.event.type, { detail: data.event }));
        return;
      }
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.error) waiting.reject(new EdgeSyncError(data.error));
      else waiting.resolve(data.result);
    };
    this.#worker.onerror = event => this.#fail(event.message || 'the worker could not be loaded');
  }

  call(method, ...args) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(++this.#last, { resolve, reject });
      this.#worker.postMessage({ id: this.#last, method, args });
    });
  }

  end() {
    this.#worker.terminate();
    this.#fail('the repository is closed');
  }

  #fail(message) {
    for (const { reject } of this.#waiting.values()) reject(new EdgeSyncError({ code: 'failed', message }));
    this.#waiting.clear();
  }
}

class Agent extends EventTarget {
  #repository;

  constructor(repository) {
    super();
    this.#repository = repository;
    for (const type of ['link', 'synced', 'failed'])
      repository.addEventListener(type, event => this.dispatchEvent(new CustomEvent(type, { detail: event.detail })));
  }

  start() { return this.#repository.call('start'); }

  stop() { return this.#repository.call('stop'); }

  syncNow() { return this.#repository.call('syncNow'); }

  status() { return this.#repository.call('status'); }

  timeline(options = {}) { return this.#repository.call('timeline', options); }

  files(version = 'tip') { return this.#repository.call('files', version); }

  read(name, version = 'tip') { return this.#repository.call('read', version, name); }

  async readText(name, version = 'tip') { return new TextDecoder().decode(await this.read(name, version)); }

  commit({ files, comment, user, branch, parent }) {
    const entries = Object.entries(files).map(([name, content]) => {
      const { content: inner, executable } = content !== null && typeof content === 'object' && !(content instanceof Uint8Array)
        ? content : { content };
      return { name, executable, bytes: typeof inner === 'string' ? new TextEncoder().encode(inner) : inner };
    });
    const contents = new Uint8Array(entries.reduce((sum, entry) => sum + (entry.bytes?.length ?? 0), 0));
    let at = 0;
    for (const { bytes } of entries) {
      if (!bytes) continue;
      contents.set(bytes, at);
      at += bytes.length;
    }
    const list = entries.map(({ name, executable, bytes }) => ({ name, executable, size: bytes?.length }));
    return this.#repository.call('commit', { comment, user, branch, parent, files: list }, contents);
  }

  async openNotify(options = {}) {
    return new Notify(this.#repository, await this.#repository.call('openNotify', options));
  }

  async close() {
    try {
      await this.#repository.call('close');
    } finally {
      this.#repository.end();
    }
  }
}

class Notify extends EventTarget {
  #repository;

  constructor(repository, device) {
    super();
    this.#repository = repository;
    this.device = device;
    repository.addEventListener('message',
      event => this.dispatchEvent(new CustomEvent('message', { detail: event.detail.message })));
  }

  threads(options = {}) { return this.#repository.call('threads', options); }

  thread(thread, { project } = {}) { return this.#repository.call('thread', thread, project); }

  arrived({ after = 0, limit = 100 } = {}) { return this.#repository.call('arrived', after, limit); }

  send(body, options = {}) { return this.#repository.call('send', { ...options, body }); }

  reply(target, body, options = {}) { return this.#repository.call('reply', { ...options, target, body }); }

  act(target, action, options = {}) { return this.#repository.call('act', { ...options, target, action }); }

  markRead(...ids) { return this.#repository.call('markRead', ids); }
}

export async function clone({ repoPath, wait = false, onProgress, ...options }) {
  const repository = new Repository();
  if (onProgress) repository.addEventListener('progress', event => onProgress(event.detail));
  try {
    await repository.call('open', repoPath, options, wait);
    const result = await repository.call('clone');
    await repository.call('close');
    return result;
  } finally {
    repository.end();
  }
}

export async function newAgent({ repoPath, wait = false, ...options }) {
  const repository = new Repository();
  try {
    await repository.call('open', repoPath, options, wait);
    const { projectCode } = await repository.call('status');
    if (!projectCode)
      throw new EdgeSyncError({ code: 'not_found', message: `${repoPath} holds no repository yet`, hint: 'clone it first' });
    return new Agent(repository);
  } catch (error) {
    repository.end();
    throw error;
  }
}

export async function remove(repoPath) {
  const repository = new Repository();
  try {
    await repository.call('remove', repoPath);
  } finally {
    repository.end();
  }
}

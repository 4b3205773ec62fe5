// The worker of one repository: .NET on one side, messages of edgesync.js on the other.
// Requests: { id, method, args }. Replies: { id, result } or { id, error: { code, message, hint } }. Events: { event }.
import { dotnet } from './_framework/dotnet.js';

const lockWaitMs = 2000;   // a page that is being reloaded lets go of its repository a moment later
const handles = new Map();
let lastHandle = 0;
let release = null;

const files = {
  length: handle => handles.get(handle).getSize(),
  read(handle, at, target) {
    const bytes = new Uint8Array(target.length);
    const read = handles.get(handle).read(bytes, { at });
    target.set(bytes);
    return read;
  },
  write(handle, at, source) {
    const bytes = source.slice();
    const written = handles.get(handle).write(bytes, { at });
    if (written !== bytes.length) throw new Error(`${written} of ${bytes.length} bytes were written`);
  },
  truncate: (handle, length) => handles.get(handle).truncate(length),
  flush: handle => handles.get(handle).flush(),
  close(handle) {
    handles.get(handle)?.close();
    handles.delete(handle);
  },
};

const program = (async () => {
  const { setModuleImports, getAssemblyExports, getConfig } = await dotnet.create();
  setModuleImports('edgesync-worker.js', {
    files,
    onEvent: json => postMessage({ event: JSON.parse(json) }),
    onProgress: (rounds, artifacts, bytes) => postMessage({ event: { type: 'progress', rounds, artifacts, bytes } }),
  });
  const { PageExports, NotifyExports } = (await getAssemblyExports(getConfig().mainAssemblyName)).EdgeSync.Browser.Wasm;
  return { ...PageExports, notify: NotifyExports };
})();

class PageError extends Error {
  constructor(code, message, hint) {
    super(message);
    Object.assign(this, { code, hint });
  }
}

const nameOf = repoPath => encodeURIComponent(repoPath);

async function folder(create) {
  const root = await navigator.storage.getDirectory();
  return await root.getDirectoryHandle('edgesync', { create });
}

// One page at a time has a repository open. Without `wait`, another one that has it is an error soon.
async function takeLock(repoPath, wait) {
  const options = wait ? {} : { signal: AbortSignal.timeout(lockWaitMs) };
  await new Promise((taken, failed) => {
    navigator.locks.request(`edgesync:${repoPath}`, options, () => new Promise(done => {
      release = done;
      taken();
    })).catch(failed);
  }).catch(error => {
    if (error.name !== 'AbortError' && error.name !== 'TimeoutError') throw error;
    throw new PageError('busy', `${repoPath} is open in another tab`, 'close that tab, or wait for it: wait: true');
  });
}

async function openFile(parent, name) {
  const handle = await (await parent.getFileHandle(name, { create: true })).createSyncAccessHandle();
  handles.set(++lastHandle, handle);
  return lastHandle;
}

const methods = {
  async open(repoPath, options, wait) {
    await takeLock(repoPath, wait);
    const parent = await (await folder(true)).getDirectoryHandle(nameOf(repoPath), { create: true });
    const contents = await openFile(parent, 'contents');
    const index = await openFile(parent, 'index');
    (await program).Open(contents, index, JSON.stringify(options));
  },
  async remove(repoPath) {
    await takeLock(repoPath, false);
    try {
      await (await folder(true)).removeEntry(nameOf(repoPath), { recursive: true });
    } catch (error) {
      if (error.name !== 'NotFoundError') throw error;
    }
  },
  clone: async () => JSON.parse(await (await program).Clone()),
  start: async () => (await program).Start(),
  stop: async () => { await (await program).Stop(); },
  syncNow: async () => JSON.parse(await (await program).SyncNow()),
  timeline: async options => JSON.parse((await program).Timeline(JSON.stringify(options))),
  files: async version => JSON.parse((await program).Files(version)),
  read: async (version, name) => (await program).Read(version, name),
  commit: async (options, contents) => JSON.parse((await program).Commit(JSON.stringify(options), contents)),
  status: async () => JSON.parse((await program).Status()),
  openNotify: async options => (await program).notify.Open(JSON.stringify(options)),
  threads: async options => JSON.parse((await program).notify.Threads(JSON.stringify(options))),
  thread: async (thread, project) => JSON.parse((await program).notify.Thread(thread, project ?? null)),
  arrived: async (after, limit) => JSON.parse((await program).notify.Arrived(after, limit)),
  send: async options => JSON.parse((await program).notify.Send(JSON.stringify(options))),
  reply: async options => JSON.parse((await program).notify.Reply(JSON.stringify(options))),
  act: async options => JSON.parse((await program).notify.Act(JSON.stringify(options))),
  markRead: async ids => (await program).notify.MarkRead(ids),
  async close() {
    await (await program).Close();
    for (const handle of [...handles.keys()]) files.close(handle);
    release?.();
  },
};

// Errors of .NET come as "KIND LF MESSAGE LF HINT".
function describe(error) {
  if (error.code && typeof error.code === 'string') return { code: error.code, message: error.message, hint: error.hint };
  const [kind, message, hint] = String(error.message).replace(/^(Error: )+/, '').split('\n');
  return /^[a-z_]+$/.test(kind) && message ? { code: kind, message, hint } : { code: 'failed', message: String(error.message ?? error) };
}

onmessage = async ({ data: { id, method, args } }) => {
  try {
    postMessage({ id, result: await methods[method](...args) });
  } catch (error) {
    postMessage({ id, error: describe(error) });
  }
};

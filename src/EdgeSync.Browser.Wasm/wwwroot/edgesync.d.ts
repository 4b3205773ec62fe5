/** A leaf of EdgeSync in a web page: a Fossil repository in the browser's own storage, synced over NATS. */

/** Why an operation failed; one word for each reaction. */
export type ErrorCode =
  | 'usage' | 'not_found' | 'ambiguous' | 'conflict' | 'denied' | 'unavailable' | 'corrupt' | 'protocol' | 'system'
  /** Another tab has the repository open. */
  | 'busy'
  /** A fault of the program. */
  | 'failed';

export class EdgeSyncError extends Error {
  readonly code: ErrorCode;
  /** What to try. */
  readonly hint?: string;
}

export interface ConnectOptions {
  /** Name of the repository in the storage of this site. */
  repoPath: string;
  /** WebSocket port of a leaf's or hub's broker (`ws://` or `wss://`), or of another NATS server that they use. */
  natsUrl: string;
  /** Login at the repositories of others; without it, that of `nobody`. */
  user?: string;
  password?: string;
  /** This page's name among the nodes; default: a random one. */
  name?: string;
  /** Prefix of the subjects; default `fossil`. */
  prefix?: string;
  /** If another tab has the repository open, wait until it is closed, instead of failing with `busy`. */
  wait?: boolean;
}

export interface AgentOptions extends ConnectOptions {
  /** Pause between exchanges with peers that announce nothing, in seconds; default 5. */
  pollSeconds?: number;
  /** False: what is committed here stays here. Default true. */
  push?: boolean;
}

export interface CloneOptions extends ConnectOptions {
  /** 40 hex digits: `edgesync repo info` prints them. */
  projectCode: string;
  /** True: clone the repository of messages beside that project, as a node with `--notify` has it. */
  notify?: boolean;
  onProgress?(progress: { rounds: number; artifacts: number; bytes: number }): void;
}

export interface CloneResult {
  artifacts: number;
  checkIns: number;
  rounds: number;
  /** Size of the contents in the storage. */
  bytes: number;
  projectCode: string;
}

export interface CheckIn {
  hash: string;
  /** Milliseconds since 1970. */
  date: number;
  user: string;
  comment: string;
  branch: string;
  tags: string[];
  /** The primary parent first. */
  parents: string[];
  /** It has no child on its branch. */
  isLeaf: boolean;
}

export interface FileEntry {
  name: string;
  hash: string;
  executable: boolean;
  symlink: boolean;
}

/** Null removes the file. */
export type FileContent = string | Uint8Array | null | { content: string | Uint8Array; executable: boolean };

export interface CommitOptions {
  /** Changed files by name; all others stay as they are in the parent. */
  files: Record<string, FileContent>;
  comment: string;
  user: string;
  /** Default: the parent's, or trunk; a new name begins a branch. */
  branch?: string;
  /** The check-in that is continued, which must be a leaf; default: the tip of the branch. */
  parent?: string;
}

export interface Status {
  connected: boolean;
  state: 'stopped' | 'in-sync' | 'syncing' | 'behind';
  /** Why it is behind. */
  reasons: string[];
  projectCode?: string;
  projectName?: string;
  checkIns: number;
  /** Artifacts that were made here and that no peer has yet. */
  unsent: number;
  /** Size of the contents in the storage. */
  bytes: number;
}

export interface SyncResult {
  sessions: number;
  received: number;
  sent: number;
  errors: string[];
}

export type Priority = 'info' | 'action_required' | 'urgent';

/** A message, as its file has it. */
export interface Message {
  /** Order of arrival in this copy, from 1. */
  seq: number;
  id: string;
  thread: string;
  /** The first eight digits of the thread. */
  threadShort: string;
  project: string;
  /** The device that sent it. */
  from: string;
  /** The sender's name for people. */
  fromName: string;
  /** Milliseconds since 1970. */
  date: number;
  body: string;
  priority: Priority;
  /** The answers that it offers. */
  actions: { id: string; label: string }[];
  /** The message that this one answers. */
  replyTo?: string;
  /** Names of files that go with it; a page does not have them. */
  media: string[];
  /** The body is the id of an action of the message that this one answers. */
  actionResponse: boolean;
  /** It was read on this device, or sent from it. */
  isRead: boolean;
  /** The check-in that brought it. */
  checkIn: string;
}

export interface Thread {
  thread: string;
  threadShort: string;
  project: string;
  /** Milliseconds since 1970. */
  lastActivity: number;
  messageCount: number;
  /** Messages of others that were not read on this device. */
  unread: number;
  /** The highest of its messages. */
  priority: Priority;
  lastFromName: string;
  /** The beginning of the newest message. */
  lastMessage: string;
}

export interface ReplyOptions {
  priority?: Priority;
  /** Labels of the answers that it offers. */
  actions?: string[];
  /** The sender's name for people; default: that of `openNotify`. */
  from?: string;
  /** The project of a target that is a thread; default: any. */
  project?: string;
}

export interface SendOptions extends ReplyOptions {
  /** Default: that of the thread, or the only one that there is. */
  project?: string;
  /** The thread that it continues; default: a new one. */
  thread?: string;
}

interface NotifyEvents {
  /** A message came, by sync or from this page; each one once, in order of arrival. */
  message: CustomEvent<Message>;
}

/**
 * The messages of a repository, those of `edgesync notify`. A thread is named by its first digits or in full, a target
 * is a message or a thread. Methods that write return when the message is stored here; it is sent as a commit is.
 */
export interface Notify extends EventTarget {
  addEventListener<K extends keyof NotifyEvents>(type: K, listener: (event: NotifyEvents[K]) => void): void;
  /** The name of this copy in messages. */
  readonly device: string;
  /** The newest first, or with `inbox` the most urgent; at most `limit` (default 50). */
  threads(options?: { project?: string; inbox?: boolean; limit?: number }): Promise<Thread[]>;
  /** The messages of a thread, the oldest first. */
  thread(thread: string, options?: { project?: string }): Promise<Message[]>;
  /** Messages by `seq`: what came after the one that a page has kept as its last. */
  arrived(options?: { after?: number; limit?: number }): Promise<Message[]>;
  send(body: string, options?: SendOptions): Promise<Message>;
  /** Answers a message, or the newest one of a thread that others sent. */
  reply(target: string, body: string, options?: ReplyOptions): Promise<Message>;
  /** Chooses an action, by its id or its label. */
  act(target: string, action: string, options?: { from?: string; project?: string }): Promise<Message>;
  /** Returns how many were unread. */
  markRead(...ids: string[]): Promise<number>;
}

interface AgentEvents {
  /** NATS was connected, or lost. */
  link: CustomEvent<{ connected: boolean }>;
  /** A session ended. */
  synced: CustomEvent<{ target: string; received: number; sent: number; error?: string }>;
  /** The agent stopped by a fault of its own: close it, and open it again. */
  failed: CustomEvent<{ error: string }>;
}

/** A version is a branch, a tag, `tip`, or the first digits of a hash. */
export interface Agent extends EventTarget {
  addEventListener<K extends keyof AgentEvents>(type: K, listener: (event: AgentEvents[K]) => void): void;
  /** Connects, and syncs from now on; returns at once, connected or not. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Syncs with all known peers now. */
  syncNow(): Promise<SyncResult>;
  status(): Promise<Status>;
  /** Newest first. */
  timeline(options?: { limit?: number; branch?: string; before?: number }): Promise<CheckIn[]>;
  files(version?: string): Promise<FileEntry[]>;
  read(name: string, version?: string): Promise<Uint8Array>;
  readText(name: string, version?: string): Promise<string>;
  commit(options: CommitOptions): Promise<CheckIn>;
  /**
   * The messages of the repository. Before `start`, so that no message comes in between. `device` names this copy for
   * good (default: a name made of its random code), `from` is the sender's name for people (default: the device's).
   */
  openNotify(options?: { device?: string; from?: string }): Promise<Notify>;
  /** Stops, and lets another tab open the repository. */
  close(): Promise<void>;
}

/** Copies a project into the storage; one that was cut off goes on where it was. */
export function clone(options: CloneOptions): Promise<CloneResult>;

/** Opens a repository that was cloned. */
export function newAgent(options: AgentOptions): Promise<Agent>;

/** Removes a repository from the storage, with what was not sent. */
export function remove(repoPath: string): Promise<void>;

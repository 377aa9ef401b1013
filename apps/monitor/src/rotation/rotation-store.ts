import { open, type RootDatabase } from 'lmdb';
import type { WatchedContent } from './watched-content';

/** What the watch knows, kept over restarts. */
export interface RotationStore {
  load(): AsyncIterable<WatchedContent>;
  get(tenant: string, contentId: string): Promise<WatchedContent | undefined>;
  put(content: WatchedContent): Promise<void>;
  delete(tenant: string, contentId: string): Promise<void>;
  close(): Promise<void>;
}

export class LmdbRotationStore implements RotationStore {
  private readonly root: RootDatabase<WatchedContent, [tenant: string, contentId: string]>;

  constructor(path: string) {
    this.root = open({ path, encoding: 'json' });
  }

  async *load(): AsyncGenerator<WatchedContent> {
    for (const { value } of this.root.getRange()) yield value;
  }

  async get(tenant: string, contentId: string): Promise<WatchedContent | undefined> {
    return this.root.get([tenant, contentId]);
  }

  async put(content: WatchedContent): Promise<void> {
    await this.root.put([content.tenant, content.contentId], content);
  }

  async delete(tenant: string, contentId: string): Promise<void> {
    await this.root.remove([tenant, contentId]);
  }

  async close(): Promise<void> {
    await this.root.close();
  }
}

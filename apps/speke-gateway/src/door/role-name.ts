/**
 * `<partition>:<account>:<role name>` of `arn:aws:iam::<account>:role/<path/><name>` and of
 * `arn:aws:sts::<account>:assumed-role/<name>/<session>`: the latter, which callers show, has no path.
 */
export function roleName(arn: string): string | undefined {
  const assumed = /^arn:(aws[a-z-]*):sts::(\d{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(arn);
  const role = assumed ?? /^arn:(aws[a-z-]*):iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(arn);
  return role ? `${role[1]}:${role[2]}:${role[3]}` : undefined;
}

import { run } from './command.ts';

/** Debian's and Ubuntu's packages of the libraries a Redis or Valkey server is linked with; newer names first. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'libatomic.so.1': ['libatomic1'],
  'libcap.so.2': ['libcap2'],
  'libcrypto.so.1.1': ['libssl1.1'],
  'libcrypto.so.3': ['libssl3t64', 'libssl3'],
  'libgcc_s.so.1': ['libgcc-s1'],
  'libgcrypt.so.20': ['libgcrypt20'],
  'libgpg-error.so.0': ['libgpg-error0'],
  'libhiredis.so.0.14': ['libhiredis0.14'],
  'libhiredis.so.1.1.0': ['libhiredis1.1.0'],
  'libjemalloc.so.2': ['libjemalloc2'],
  'liblua5.1.so.0': ['liblua5.1-0'],
  'liblz4.so.1': ['liblz4-1'],
  'liblzf.so.1': ['liblzf1'],
  'liblzma.so.5': ['liblzma5'],
  'libssl.so.1.1': ['libssl1.1'],
  'libssl.so.3': ['libssl3t64', 'libssl3'],
  'libstdc++.so.6': ['libstdc++6'],
  'libsystemd.so.0': ['libsystemd0'],
  'libz.so.1': ['zlib1g'],
  'libzstd.so.1': ['libzstd1'],
};

/** The packages that may hold a shared library; none when it is not known here. */
export function packagesFor(library: string): readonly string[] {
  return PACKAGES[library] ?? [];
}

/** The shared libraries that `ldd` says are not to be found. */
export function missingIn(ldd: string): readonly string[] {
  return [...new Set([...ldd.matchAll(/^\s*(\S+) => not found/gm)].map((found) => found[1] ?? ''))];
}

/** The shared libraries a program lacks in this environment; none where the machine has no `ldd`. */
export async function missingLibraries(
  file: string,
  env: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  return missingIn((await run({ file: 'ldd', args: [file], env })).output);
}

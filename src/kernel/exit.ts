/** What the `rae` command exits with. 0 is success. */
export const EXIT = Object.freeze({ failed: 1, usage: 2, notFound: 3, refused: 4 });

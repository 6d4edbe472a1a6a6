/** The lifted twin of a file, see plugins.ts. It has the exports of the file; their numbers and truth values may be terms. */
declare module '*?lifted';

/** The watched twin of a file of the model, see tools/watch/. It has the exports of the file. */
declare module '*?watched';

/** Vite makes a file of it, which index.html names. */
declare module '*.css' {}

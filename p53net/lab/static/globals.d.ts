// The libraries of the page, as far as their types matter here.
declare const Plot: any;

/** XML, for reports and pictures. */
import Builder from 'fast-xml-builder';

/** Characters that XML 1.0 does not have, and other control characters. */
const NO_XML = /[^\P{Cc}\t\n\r]|\p{Cs}|[\ufffe\uffff]/gu;

/** Text that XML can hold. */
export function xmlText(text: string): string {
  return text.replaceAll(NO_XML, '\ufffd');
}

/** An element: attributes begin with `@`. */
export type Element = Readonly<Record<string, unknown>>;

const BUILDER = new Builder({
  format: true,
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
});

/** An XML document. */
export function xmlDocument(root: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${BUILDER.build(root)}`;
}

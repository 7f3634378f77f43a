/** What a file may be called by its media type. Nothing here is a program, or a file that a tool looks for by its name. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/avif': 'avif',
  'image/bmp': 'bmp',
  'image/tiff': 'tiff',
  'image/svg+xml': 'svg',
  'audio/wav': 'wav',
  'audio/x-wav': 'wav',
  'audio/wave': 'wav',
  'audio/mpeg': 'mp3',
  'audio/mp3': 'mp3',
  'audio/mp4': 'm4a',
  'audio/aac': 'aac',
  'audio/ogg': 'ogg',
  'audio/opus': 'opus',
  'audio/flac': 'flac',
  'audio/webm': 'weba',
  'video/mp4': 'mp4',
  'video/webm': 'webm',
  'application/pdf': 'pdf',
  'application/zip': 'zip',
  'application/gzip': 'gz',
  'text/plain': 'txt',
  'text/markdown': 'md',
  'text/csv': 'csv',
}

const MAX_STEM = 60
/** Names that are devices on Windows, with any extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)$/i

/**
 * A file name from what a server calls something: letters, digits, dots, dashes and underscores of the last path segment, and an
 * extension by the media type, `fallback` where it is not known. Never hidden, never a path.
 */
export function safeFileName(name: string, mimeType: string | undefined, fallback = 'bin'): string {
  const type = mimeType?.split(';')[0]?.trim().toLowerCase() ?? ''
  const extension = Object.hasOwn(EXTENSIONS, type) ? (EXTENSIONS[type] ?? fallback) : fallback
  const last = name.split(/[?#]/)[0]?.split(/[/\\]/).filter(Boolean).at(-1) ?? ''
  const plain = last
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(new RegExp(`\\.${extension}$`, 'i'), '')
    .slice(0, MAX_STEM)
    .replace(/^[.-]+|[.-]+$/g, '')
  const stem = plain === '' || DEVICE.test(plain.split('.')[0] ?? '') ? `file${plain && `-${plain}`}` : plain
  return `${stem}.${extension}`
}

/** The name to try when `name` is taken: `otter.png`, `otter-2.png`, … */
export function numberedName(name: string, number: number): string {
  if (number === 1) return name
  const dot = name.lastIndexOf('.')
  return `${name.slice(0, dot)}-${number}${name.slice(dot)}`
}

export interface OutgoingBody {
  contentType: string
  content: string | Uint8Array
}

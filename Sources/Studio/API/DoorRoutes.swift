import Files
import Foundation
import HTTPTypes
import Hummingbird

struct Password: Codable, Sendable { let password: String }

extension Routes {
  /// How a browser is let in. Nothing else answers without a session.
  static let doors: [Route] = [
    .raw(
      .get, "/open", "Lets one browser in, by the token that the terminal shows.", type: "text/html; charset=utf-8",
      query: [.init(name: "token", note: "Once.")]
    ) { call in
      guard let token = call.query("token"), let session = try await call.studio.sessions.open(token: token) else {
        return call.studio.door("This address was used, or isn't right: run atelier studio again for a new one.")
      }
      // To an address without the token, which then stands in no history.
      return Response(status: .seeOther, headers: [.location: "/", .setCookie: call.studio.cookie(session)])
    },
    .raw(.get, "/login", "Where the password of a studio that listens is given.", type: "text/html; charset=utf-8") {
      $0.studio.door()
    },
    .raw(.post, "/login", "Lets a browser in by the password.", type: "application/json", writes: .json) { call in
      switch try await call.studio.sessions.open(password: try await call.body(Password.self).password) {
      case .session(let session):
        var response = try Call.answer(Nothing())
        response.headers[.setCookie] = call.studio.cookie(session)
        return response
      case .wrong: return try Guard.json(.unauthorized, "That isn't the password: try again.")
      case .wait(let seconds):
        return try Guard.json(.tooManyRequests, "Too many tries: wait \(seconds) s, then try again.")
      }
    },
    .write("/api/logout", "Ends this browser's session.", Nothing.self) { call, nothing in
      if let session = call.request.cookies[call.studio.cookieName]?.value {
        try await call.studio.sessions.end(session)
      }
      return nothing
    },
  ]
}

extension Studio {
  /// The page before the door: it loads nothing, and says nothing of what is inside.
  func door(_ words: String = Studio.doorSentence) -> Response {
    let style =
      "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:20vh auto;padding:0 1.5rem;color-scheme:light dark}input,button{font:inherit;padding:.5rem .8rem}"
    let script = """
      const form = document.querySelector('form')
      if (form) form.addEventListener('submit', async event => {
        event.preventDefault()
        const answer = await fetch('/login', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({password: form.password.value})})
        if (answer.ok) location = '/'
        else form.querySelector('output').textContent = (await answer.json()).error
      })
      """
    func hash(_ text: String) -> String { "'sha256-\(Digest.sha256(text.utf8).base64EncodedString())'" }
    let form =
      configuration.password == nil
      ? ""
      : "<form><label>Password · 密码 <input type=password name=password autocomplete=current-password required></label> <button>Open · 打开</button><p><output></output></p></form>"
    let page = """
      <!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Atelier</title><style>\(style)</style>
      <h1>Atelier</h1><p>\(words)</p><p lang="zh">请在终端运行 atelier studio，然后打开它显示的网址。</p><p><a href="/">Atelier</a></p>\(form)<script>\(script)</script></html>
      """
    let policy =
      "default-src 'none'; style-src \(hash(style)); script-src \(hash(script)); connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    return Response(
      status: .unauthorized, headers: [.contentType: "text/html; charset=utf-8", .contentSecurityPolicy: policy],
      body: .init(byteBuffer: .init(string: page)))
  }
}

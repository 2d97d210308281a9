//! A person with a browser: a cookie jar, a page, and what people do with pages.
use super::html::{Field, Page};
use super::portal::Portal;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tower::ServiceExt as _;

#[derive(Debug, Clone)]
pub struct Person {
    portal: Portal,
    /// What this person signs in with.
    pub email: String,
    pub password: String,
    /// Cookies by name: the value and the attributes it came with.
    pub cookies: BTreeMap<String, (String, String)>,
    pub page: Page,
    pub address: SocketAddr,
    /// Sent with every request.
    pub headers: HeaderMap,
}

/// What came back, whole.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("not JSON ({e}): {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }
}

impl Person {
    pub fn new(portal: &Portal, email: &str, password: &str) -> Person {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".parse().unwrap());
        Person {
            portal: portal.clone(),
            email: email.to_owned(),
            password: password.to_owned(),
            cookies: BTreeMap::new(),
            page: Page::default(),
            address: SocketAddr::from(([192, 0, 2, 10], 40_000)),
            headers,
        }
    }

    /// Another browser of the same person, signed in nowhere.
    pub fn other_browser(&self) -> Person {
        Person { cookies: BTreeMap::new(), page: Page::default(), ..self.clone() }
    }

    /// One request as it is, no redirect followed.
    pub async fn sends(&mut self, mut request: Request<Body>) -> Reply {
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        headers.entry(header::HOST).or_insert_with(|| self.portal.host().parse().unwrap());
        if !self.cookies.is_empty() {
            let all: Vec<String> = self.cookies.iter().map(|(name, (value, _))| format!("{name}={value}")).collect();
            headers.insert(header::COOKIE, all.join("; ").parse().unwrap());
        }
        request.extensions_mut().insert(ConnectInfo(self.address));
        let response = self.portal.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), (value.to_owned(), attributes.trim().to_owned()));
            }
        }
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// A GET as it is, no redirect followed.
    pub async fn gets(&mut self, path: &str) -> Reply {
        self.sends(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A POST of form fields from the portal's own pages, no redirect followed.
    pub async fn posts(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = fields.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect::<Vec<_>>().join("&");
        let request = self.own_post(path, "application/x-www-form-urlencoded").body(Body::from(body)).unwrap();
        self.sends(request).await
    }

    fn own_post(&self, path: &str, kind: &str) -> axum::http::request::Builder {
        Request::post(path).header(header::CONTENT_TYPE, kind).header(header::ORIGIN, self.portal.origin()).header("sec-fetch-site", "same-origin")
    }

    /// Opens an address and follows where it leads.
    pub async fn opens(&mut self, path: &str) -> &mut Person {
        self.goes(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn goes(&mut self, request: Request<Body>) -> &mut Person {
        let mut url = request.uri().to_string();
        let mut reply = self.sends(request).await;
        for _ in 0..6 {
            if !reply.status.is_redirection() {
                break;
            }
            url = resolved(&url, reply.header("location"));
            reply = self.gets(&url).await;
        }
        let text = reply.text();
        self.page = Page::read(&url, reply.status.as_u16(), reply.headers, text);
        self
    }

    /// Opens the link with this text.
    pub async fn follows(&mut self, link: &str) -> &mut Person {
        let url = resolved(&self.page.url, self.page.link(link));
        self.opens(&url).await
    }

    /// Types into the field with this label, or chooses the select's option with this text or value.
    pub fn fills(&mut self, label: &str, value: &str) -> &mut Person {
        let field = self.page.field(label);
        if field.kind == "select" {
            let option = field.options.iter().find(|(text, v)| text == value || v == value);
            field.value = option.unwrap_or_else(|| panic!("{label:?} offers no {value:?}: {:?}", field.options)).1.clone();
        } else {
            value.clone_into(&mut field.value);
        }
        self
    }

    /// Chooses a radio button or ticks a box by its label.
    pub fn chooses(&mut self, label: &str) -> &mut Person {
        let chosen = self.page.field(label);
        chosen.is_chosen = true;
        let (kind, name, value) = (chosen.kind.clone(), chosen.name.clone(), chosen.value.clone());
        if kind == "radio" {
            let form = self.page.forms.iter_mut().find(|f| f.fields.iter().any(|x| x.name == name && x.value == value && x.is_chosen)).unwrap();
            for other in form.fields.iter_mut().filter(|f| f.name == name && f.value != value) {
                other.is_chosen = false;
            }
        }
        self
    }

    /// Takes a tick away.
    pub fn unticks(&mut self, label: &str) -> &mut Person {
        self.page.field(label).is_chosen = false;
        self
    }

    /// Adds a file to the page's (first) file field.
    pub fn attaches(&mut self, name: &str, content: impl AsRef<[u8]>) -> &mut Person {
        let field = self.page.forms.iter_mut().flat_map(|f| &mut f.fields).find(|f| f.kind == "file");
        let field = field.unwrap_or_else(|| panic!("nothing takes files on {}", self.page.url));
        field.files.push((name.to_owned(), content.as_ref().to_vec()));
        self
    }

    /// Presses the button with this text: its form goes off as a browser would send it.
    pub async fn presses(&mut self, button: &str) -> &mut Person {
        let (form, button) = self.page.button(button);
        assert!(!button.is_disabled, "the button {:?} can't be pressed", button.text);
        let action = button.action.clone().unwrap_or_else(|| form.action.clone());
        let method = button.method.clone().unwrap_or_else(|| form.method.clone());
        let url = if action.is_empty() { self.page.url.clone() } else { resolved(&self.page.url, &action) };
        let mut pairs: Vec<(String, String)> = Vec::new();
        for field in form.fields.iter().filter(|f| f.kind != "file") {
            if counts(field) {
                pairs.push((field.name.clone(), field.value.clone()));
            }
        }
        if !button.name.is_empty() {
            pairs.push((button.name.clone(), button.value.clone()));
        }
        let request = if method == "get" {
            let path = url.split('?').next().unwrap_or("");
            Request::get(format!("{path}?{}", joined(&pairs))).body(Body::empty()).unwrap()
        } else if form.is_multipart {
            let boundary = "the-people-of-the-tests";
            let body = multipart(boundary, &pairs, &form.fields);
            self.own_post(&url, &format!("multipart/form-data; boundary={boundary}")).body(Body::from(body)).unwrap()
        } else {
            self.own_post(&url, "application/x-www-form-urlencoded").body(Body::from(joined(&pairs))).unwrap()
        };
        self.goes(request).await
    }

    /// Signs in by the form, as people do.
    pub async fn signs_in(&mut self) -> &mut Person {
        let (email, password) = (self.email.clone(), self.password.clone());
        self.opens("/login").await.fills("Email", &email).fills("Password", &password).presses("Sign in").await;
        assert!(self.is_signed_in(), "{} could not sign in: {}", self.email, self.page.text);
        self
    }

    pub fn is_signed_in(&self) -> bool {
        self.cookies.keys().any(|name| name.trim_start_matches("__Host-") == "groundcrew")
    }

    #[track_caller]
    pub fn sees(&mut self, words: &str) -> &mut Person {
        assert!(self.page.text.contains(words), "{words:?} can't be read on {} ({}):\n{}", self.page.url, self.page.status, self.page.text);
        self
    }

    #[track_caller]
    pub fn does_not_see(&mut self, words: &str) -> &mut Person {
        assert!(!self.page.text.contains(words), "{words:?} can be read on {}:\n{}", self.page.url, self.page.text);
        self
    }

    #[track_caller]
    pub fn is_at(&mut self, path: &str) -> &mut Person {
        assert_eq!(self.page.url.split('?').next().unwrap_or(""), path, "({}) {}", self.page.status, self.page.text);
        self
    }

    /// The status of the page that is open.
    #[track_caller]
    pub fn is_answered(&mut self, status: u16) -> &mut Person {
        assert_eq!(self.page.status, status, "{}: {}", self.page.url, self.page.text);
        self
    }
}

/// Whether a browser would send the field.
fn counts(field: &Field) -> bool {
    let chosen = !matches!(field.kind.as_str(), "checkbox" | "radio") || field.is_chosen;
    !field.name.is_empty() && !field.is_disabled && field.kind != "button" && chosen
}

fn joined(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    groundcrew::web::form::encode(text)
}

fn multipart(boundary: &str, pairs: &[(String, String)], fields: &[Field]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut part = |head: String, content: &[u8]| {
        body.extend_from_slice(format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    for (name, value) in pairs {
        part(format!("name=\"{name}\""), value.as_bytes());
    }
    for field in fields.iter().filter(|f| f.kind == "file" && !f.name.is_empty()) {
        for (file, content) in &field.files {
            part(format!("name=\"{}\"; filename=\"{file}\"\r\nContent-Type: application/octet-stream", field.name), content);
        }
        // A browser sends an empty file field as a file without a name.
        if field.files.is_empty() {
            part(format!("name=\"{}\"; filename=\"\"\r\nContent-Type: application/octet-stream", field.name), b"");
        }
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

/// Where a link on a page leads; only this portal's addresses.
fn resolved(page: &str, link: &str) -> String {
    let link = link.split('#').next().unwrap_or("");
    let path = page.split('?').next().unwrap_or("/");
    if link.starts_with('/') {
        link.to_owned()
    } else if link.starts_with('?') || link.is_empty() {
        format!("{path}{link}")
    } else {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/{link}")
    }
}

/// For requests that no form makes.
pub fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path)
}

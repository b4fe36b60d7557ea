//! Heads as clients send them, up to the fields that say how the content is framed.

/// What a command-line client sends.
pub(crate) const SMALL: &str = "PUT /upload HTTP/1.1\r\n\
    Host: localhost:8080\r\n\
    User-Agent: curl/8.14.1\r\n\
    Accept: */*\r\n";

/// What a browser sends: with a Content-Length, or two fields more without, 15 fields.
pub(crate) const BROWSER: &str = "POST /api/v2/files/upload?folder=holiday-2026&overwrite=false HTTP/1.1\r\n\
    Host: files.example.com\r\n\
    Connection: keep-alive\r\n\
    sec-ch-ua-platform: \"Linux\"\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/140.0.0.0 Safari/537.36\r\n\
    sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\", \"Google Chrome\";v=\"140\"\r\n\
    Content-Type: application/octet-stream\r\n\
    sec-ch-ua-mobile: ?0\r\n\
    Accept: application/json, text/plain, */*\r\n\
    Origin: https://files.example.com\r\n\
    Sec-Fetch-Site: same-origin\r\n\
    Sec-Fetch-Mode: cors\r\n\
    Sec-Fetch-Dest: empty\r\n\
    Referer: https://files.example.com/folders/holiday-2026\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n";

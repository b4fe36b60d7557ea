//! From which page a request may come, and what is told to it (CORS).

// Many small files into an asset store over HTTP, or into a folder with a flush of each; see scripts/bench/can.py.
//
//   ingest http PORT COUNT THREADS BYTES      POST /api/v1/can/0/ingest, one connection for each thread
//   ingest files FOLDER COUNT THREADS BYTES   write, fsync, rename, and a flush of the folder for each
//
// Prints the seconds that it took. Contents differ, so that none is known already.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char *target;
static int count, size, is_http;
static atomic_int next_number;
static unsigned seed;

static void fail(const char *what) { perror(what); exit(1); }

static void write_all(int to, const char *bytes, size_t length) {
  for (size_t at = 0; at < length;) {
    ssize_t wrote = write(to, bytes + at, length - at);
    if (wrote <= 0) fail("write");
    at += (size_t)wrote;
  }
}

static void fill(char *content, int number) {
  unsigned state = seed ^ ((unsigned)number * 2654435761u);
  for (int i = 0; i < size; i++) {
    state = state * 1664525u + 1013904223u;
    content[i] = (char)('a' + (state >> 24) % 26);
  }
}

static void post(int to, const char *content, int number) {
  char head[512], part[256];
  const char *end = "\r\n--bench--\r\n";
  int part_length = snprintf(part, sizeof part,
    "--bench\r\nContent-Disposition: form-data; name=\"file\"; filename=\"small %d.txt\"\r\n\r\n", number);
  int head_length = snprintf(head, sizeof head,
    "POST /api/v1/can/0/ingest HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n"
    "Content-Type: multipart/form-data; boundary=bench\r\nContent-Length: %d\r\n\r\n",
    target, part_length + size + (int)strlen(end));
  char *all = malloc((size_t)(head_length + part_length + size) + strlen(end));
  size_t at = 0;
  memcpy(all, head, (size_t)head_length); at += (size_t)head_length;
  memcpy(all + at, part, (size_t)part_length); at += (size_t)part_length;
  memcpy(all + at, content, (size_t)size); at += (size_t)size;
  memcpy(all + at, end, strlen(end)); at += strlen(end);
  write_all(to, all, at);
  free(all);

  // Answers are short, and come with a length or in chunks; either way "}}" ends the object.
  char answer[4096];
  size_t got = 0;
  while (1) {
    ssize_t read_now = read(to, answer + got, sizeof answer - 1 - got);
    if (read_now <= 0) fail("read");
    got += (size_t)read_now;
    answer[got] = 0;
    char *body = strstr(answer, "\r\n\r\n");
    char *done = body ? strstr(body, "}}") : NULL;
    if (done && (!strstr(answer, "chunked") || strstr(done, "\r\n0\r\n\r\n"))) break;
    if (body && strncmp(answer, "HTTP/1.1 200", 12) != 0) { fprintf(stderr, "%s\n", answer); exit(1); }
  }
}

static void keep(const char *content, int number, int folder) {
  char hidden[512], name[512];
  snprintf(hidden, sizeof hidden, "%s/.%d", target, number);
  snprintf(name, sizeof name, "%s/small-%d", target, number);
  int file = open(hidden, O_CREAT | O_WRONLY | O_EXCL, 0644);
  if (file < 0) fail(hidden);
  write_all(file, content, (size_t)size);
  if (fsync(file) || close(file) || rename(hidden, name) || fsync(folder)) fail(name);
}

static void *work(void *unused) {
  (void)unused;
  char *content = malloc((size_t)size);
  int to;
  if (is_http) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(target)) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1;
    to = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(to, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  } else {
    to = open(target, O_RDONLY | O_DIRECTORY);
    if (to < 0) fail(target);
  }
  int number;
  while ((number = atomic_fetch_add(&next_number, 1)) < count) {
    fill(content, number);
    if (is_http) post(to, content, number);
    else keep(content, number, to);
  }
  close(to);
  free(content);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 6) { fprintf(stderr, "usage: ingest http|files TARGET COUNT THREADS BYTES\n"); return 2; }
  is_http = strcmp(argv[1], "http") == 0;
  target = argv[2];
  count = atoi(argv[3]);
  size = atoi(argv[5]);
  seed = (unsigned)getpid() * 40503u;
  int threads = atoi(argv[4]);
  pthread_t *ids = malloc(sizeof *ids * (size_t)threads);
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, work, NULL);
  for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%.6f\n", (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
  free(ids);
  return 0;
}

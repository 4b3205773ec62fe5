// What UDP alone moves over loopback: one thread sends, one receives. usage: udpfloor plain|offload|sealed BYTES
// plain: datagrams of 1452 bytes, a call for each. offload: the kernel splits (UDP_SEGMENT) and joins (UDP_GRO) them.
// sealed: as offload, with datagrams of 8952 bytes that are sealed and opened by AES-128-GCM, as QUIC must do; the sender
// waits for the receiver, so that nothing is lost. Prints {"mib_s":N,"sent":N,"received":N}.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { ETHERNET = 1452, JUMBO = 8952, HEADER = 12, TAG = 16, BUFFER = 65507, WINDOW = 1 << 20 };

static int receiver, offload, sealed, datagram;
static atomic_llong received;
static double first, last;
static const unsigned char key[16], nonce[12];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

// One datagram in place, its header as additional data: the calls that a packet of QUIC takes.
static void protect(EVP_CIPHER_CTX *context, unsigned char *at, int size, int encrypts) {
  int length, body = size - HEADER - TAG;
  if (!encrypts) EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, at + size - TAG);
  if (!EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, encrypts)
      || !EVP_CipherUpdate(context, NULL, &length, at, HEADER)
      || !EVP_CipherUpdate(context, at + HEADER, &length, at + HEADER, body)
      || EVP_CipherFinal_ex(context, at + HEADER + body, &length) <= 0) exit(3);
  if (encrypts) EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, at + size - TAG);
}

static EVP_CIPHER_CTX *cipher(int encrypts) {
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (!EVP_CipherInit_ex(context, EVP_aes_128_gcm(), NULL, key, nonce, encrypts)) exit(3);
  return context;
}

// Ends when nothing has come for a while: the sender is done, and the rest is lost.
static void *receive(void *unused) {
  static unsigned char buffer[65536];
  EVP_CIPHER_CTX *context = cipher(0);
  for (ssize_t n; (n = recv(receiver, buffer, sizeof buffer, 0)) > 0; received += n) {
    last = now();
    if (!first) first = last;
    if (!sealed) continue;
    for (ssize_t at = 0; at < n; at += datagram) protect(context, buffer + at, n - at < datagram ? n - at : datagram, 0);
  }
  return unused;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  sealed = !strcmp(argv[1], "sealed");
  offload = sealed || !strcmp(argv[1], "offload");
  datagram = sealed ? JUMBO : ETHERNET;
  long long bytes = atoll(argv[2]), sent = 0;
  int on = 1, room = 4 << 20, segment = datagram, sender = socket(AF_INET, SOCK_DGRAM, 0);
  receiver = socket(AF_INET, SOCK_DGRAM, 0);
  struct timeval quiet = {.tv_usec = 300000};
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof at;
  if (setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room)) setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  if (setsockopt(sender, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room)) setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet);
  if (offload && (setsockopt(receiver, SOL_UDP, UDP_GRO, &on, sizeof on) || setsockopt(sender, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment))) return 1;
  if (bind(receiver, (struct sockaddr *)&at, length) || getsockname(receiver, (struct sockaddr *)&at, &length) || connect(sender, (struct sockaddr *)&at, length)) return 1;

  static unsigned char buffer[BUFFER];
  int piece = offload ? BUFFER / datagram * datagram : datagram;
  pthread_t thread;
  pthread_create(&thread, NULL, receive, NULL);
  EVP_CIPHER_CTX *context = cipher(1);
  while (sent < bytes) {
    if (sealed) {
      for (double begin = now(); sent - received > WINDOW && now() - begin < 1;) sched_yield();
      for (int i = 0; i < piece; i += datagram) protect(context, buffer + i, datagram, 1);
    }
    ssize_t n = send(sender, buffer, piece, 0);
    if (n < 0) return 1;
    sent += n;
  }
  pthread_join(thread, NULL);
  printf("{\"mib_s\":%.1f,\"sent\":%lld,\"received\":%lld}\n", received / (last - first) / 1048576, sent, (long long)received);
  return 0;
}

// What Fastify alone can do here: takes a body, gives one of the size asked for.
import fastify from 'fastify';

const server = fastify();
const answers = new Map();
server.addContentTypeParser('application/xml', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
server.post('/bytes/:count', (request, reply) => {
  const { count } = request.params;
  if (!answers.has(count)) answers.set(count, Buffer.alloc(Number(count), 'x'));
  return reply.type('application/xml').send(answers.get(count));
});
server.get('/bytes/:count', (request, reply) => {
  const { count } = request.params;
  if (!answers.has(count)) answers.set(count, Buffer.alloc(Number(count), 'x'));
  return reply.type('application/octet-stream').send(answers.get(count));
});
console.log(await server.listen({ port: 0, host: '127.0.0.1' }));

export type { IoRedisClient, NodeRedisClient, RedisClient, RedisCommand } from './redis/redis-client.ts'
export type { RedisClock } from './redis/redis-connection.ts'
export { createRedisStore, type RedisStoreOptions } from './redis/redis-store.ts'
export { createRedisReplayCache, type RedisReplayCacheOptions } from './redis/replay-cache.ts'
